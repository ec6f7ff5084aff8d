// Brings loopback up, then counts the TCP packets with RST or FIN that pass; tells the count for each byte it reads.
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void) {
  struct ifreq up;
  memset(&up, 0, sizeof up);
  strcpy(up.ifr_name, "lo");
  up.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
  int control = socket(AF_INET, SOCK_DGRAM, 0);
  if (ioctl(control, SIOCSIFFLAGS, &up) < 0) return perror("lo"), 1;
  close(control);
  int packets = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));
  struct sock_filter insns[] = {
      {BPF_LD | BPF_B | BPF_ABS, 0, 0, 9}, {BPF_JMP | BPF_JEQ | BPF_K, 0, 4, 6},
      {BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0}, {BPF_LD | BPF_B | BPF_IND, 0, 0, 13},
      {BPF_JMP | BPF_JSET | BPF_K, 0, 1, 5}, {BPF_RET | BPF_K, 0, 0, 64}, {BPF_RET | BPF_K, 0, 0, 0}};
  struct sock_fprog filter = {7, insns};
  if (packets < 0 || setsockopt(packets, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) < 0)
    return perror("packet socket"), 1;
  long resets = 0, fins = 0;
  setvbuf(stdout, NULL, _IONBF, 0);
  printf("up\n");
  for (;;) {
    struct pollfd ready[2] = {{packets, POLLIN, 0}, {0, POLLIN, 0}};
    poll(ready, 2, -1);
    unsigned char packet[128];
    while (recv(packets, packet, sizeof packet, MSG_DONTWAIT) > 0) {
      int flags = packet[(packet[0] & 15) * 4 + 13];
      resets += (flags & 4) != 0;
      fins += (flags & 1) != 0;
    }
    char byte;
    if (ready[1].revents) {
      if (read(0, &byte, 1) != 1) return 0;
      printf("%ld RST %ld FIN\n", resets, fins);
    }
  }
}

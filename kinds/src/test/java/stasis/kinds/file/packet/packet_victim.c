// Packet sockets: one on loopback for IPv4 with a filter, one that was never bound, one with memberships.
#include "victim.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

// How many UDP packets to port 47119 on loopback come to it.
static int counts(int fd) {
  char packet[256];
  int count = 0;
  while (recv(fd, packet, sizeof packet, MSG_DONTWAIT) > 0) {
    count++;
  }
  return count;
}

static void send_one(void) {
  int out = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(47119), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  check(sendto(out, "x", 1, 0, (void *)&to, sizeof to) == 1, "sendto: %m");
  close(out);
}

int main(void) {
  victim_start();
  int taking = socket(AF_PACKET, SOCK_DGRAM, 0), idle = socket(AF_PACKET, SOCK_RAW, 0);
  if (taking < 0 && errno == EPERM) {
    ready("none");
    pass();
  }
  // UDP to that port; IP headers have no options here.
  struct sock_filter port[] = {{0x30, 0, 0, 9}, {0x15, 0, 3, 17}, {0x28, 0, 0, 22}, {0x15, 0, 1, 47119},
                               {6, 0, 0, 0xffff}, {6, 0, 0, 0}};
  struct sock_fprog program = {6, port};
  check(setsockopt(taking, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0, "filter: %m");
  int one = 1;
  check(setsockopt(taking, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) == 0, "outgoing: %m");
  check(setsockopt(taking, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one) == 0, "auxdata: %m");
  struct sockaddr_ll here = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
                             .sll_ifindex = (int)if_nametoindex("lo")};
  check(bind(taking, (void *)&here, sizeof here) == 0, "bind: %m");
  struct packet_mreq all = {.mr_ifindex = here.sll_ifindex, .mr_type = PACKET_MR_ALLMULTI};
  check(setsockopt(idle, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) == 0, "membership: %m");
  int old = socket(AF_PACKET, SOCK_PACKET, htons(ETH_P_IP));
  struct sockaddr by_name = {AF_PACKET, "lo"};
  check(old >= 0 && setsockopt(old, SOL_SOCKET, SO_ATTACH_FILTER, &(struct sock_fprog){1, port + 5},
      sizeof program) == 0, "SOCK_PACKET: %m");
  check(bind(old, &by_name, sizeof by_name) == 0, "bind: %m");
  counts(taking);

  ready("open");

  send_one();
  check(counts(taking) == 1, "not one packet came");
  check(counts(idle) == 0, "something came to what was never bound");
  int found = 0;
  socklen_t length = sizeof found;
  check(getsockopt(taking, SOL_PACKET, PACKET_AUXDATA, &found, &length) == 0 && found == 1, "PACKET_AUXDATA");
  struct sockaddr_ll name;
  length = sizeof name;
  check(getsockname(taking, (void *)&name, &length) == 0 && name.sll_protocol == htons(ETH_P_IP)
        && name.sll_ifindex == here.sll_ifindex, "its name: %m");
  check(setsockopt(idle, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &all, sizeof all) == 0, "it was no member: %m");
  struct sockaddr found_name = {0};
  length = sizeof found_name;
  check(getsockname(old, &found_name, &length) == 0 && strcmp(found_name.sa_data, "lo") == 0, "its interface: %m");
  pass();
}

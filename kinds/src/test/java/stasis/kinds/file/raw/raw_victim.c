// Raw sockets over IPv4 and IPv6 with their filters, bound and connected ones, and one for pings.
#include "victim.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define PROTOCOL 200

static struct sockaddr_in v4(const char *host) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  check(inet_pton(AF_INET, host, &address.sin_addr) == 1, "address");
  return address;
}

// Sends one packet of PROTOCOL from `from` to 127.0.0.1.
static void send_from(const char *from, const char *text) {
  int fd = socket(AF_INET, SOCK_RAW, PROTOCOL);
  struct sockaddr_in here = v4(from), there = v4("127.0.0.1");
  check(bind(fd, (void *)&here, sizeof here) == 0, "bind: %m");
  check(sendto(fd, text, strlen(text), 0, (void *)&there, sizeof there) == (ssize_t)strlen(text), "sendto: %m");
  close(fd);
}

// Past the IP header.
static int takes(int fd, const char *text) {
  char packet[256];
  ssize_t got = recv(fd, packet, sizeof packet, MSG_DONTWAIT);
  return got == (ssize_t)strlen(text) + 20 && memcmp(packet + 20, text, strlen(text)) == 0;
}

static void ping(void) {
  int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  struct sockaddr_in there = v4("127.0.0.1");
  struct icmphdr echo = {.type = ICMP_ECHO, .un.echo.id = 7, .checksum = htons(0xf0ff)};
  check(sendto(fd, &echo, sizeof echo, 0, (void *)&there, sizeof there) == sizeof echo, "ping: %m");
  close(fd);
}

int main(void) {
  victim_start();
  int all = socket(AF_INET, SOCK_RAW, PROTOCOL), from_two = socket(AF_INET, SOCK_RAW, PROTOCOL);
  if (all < 0 && errno == EPERM) {
    ready("none");
    pass();
  }
  int filtered = socket(AF_INET, SOCK_RAW, PROTOCOL), elsewhere = socket(AF_INET, SOCK_RAW, PROTOCOL);
  struct sockaddr_in one = v4("127.0.0.1"), two = v4("127.0.0.2");
  check(bind(all, (void *)&one, sizeof one) == 0, "bind: %m");
  check(connect(from_two, (void *)&two, sizeof two) == 0, "connect: %m");
  check(bind(elsewhere, (void *)&two, sizeof two) == 0, "bind: %m");
  struct sock_filter none = {6, 0, 0, 0};
  struct sock_fprog program = {1, &none};
  check(setsockopt(filtered, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0, "filter: %m");

  int replies = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), six = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  struct icmp_filter only = {~(1u << ICMP_ECHOREPLY)};
  check(setsockopt(replies, SOL_RAW, ICMP_FILTER, &only, sizeof only) == 0, "ICMP_FILTER: %m");
  struct icmp6_filter only6;
  ICMP6_FILTER_SETBLOCKALL(&only6);
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &only6);
  check(setsockopt(six, IPPROTO_ICMPV6, ICMP6_FILTER, &only6, sizeof only6) == 0, "ICMP6_FILTER: %m");
  int header = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), sum = socket(AF_INET6, SOCK_RAW, PROTOCOL), at = 4;
  check(setsockopt(sum, IPPROTO_IPV6, IPV6_CHECKSUM, &at, sizeof at) == 0, "IPV6_CHECKSUM: %m");
  int pings = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
  struct sockaddr_in id = v4("127.0.0.1");
  id.sin_port = htons(4711);
  check(pings >= 0 || !getenv("PINGS"), "net.ipv4.ping_group_range: %m");
  check(pings < 0 || bind(pings, (void *)&id, sizeof id) == 0, "bind: %m");
  int pings6 = socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
  struct sockaddr_in6 six_at = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
  check(pings6 < 0 || connect(pings6, (void *)&six_at, sizeof six_at) == 0, "connect: %m");

  ready("open");

  send_from("127.0.0.1", "first");
  send_from("127.0.0.2", "second");
  check(takes(all, "first") && takes(all, "second"), "the bound one");
  check(takes(from_two, "second") && !takes(from_two, "first"), "the connected one");
  check(!takes(filtered, "first") && !takes(elsewhere, "first"), "what should take nothing");
  ping();
  char reply[64];
  check(recv(replies, reply, sizeof reply, MSG_DONTWAIT) == 28 && reply[20] == ICMP_ECHOREPLY, "the reply: %m");
  check(recv(replies, reply, sizeof reply, MSG_DONTWAIT) < 0, "the request came too");
  struct icmp6_filter found6;
  socklen_t length = sizeof found6;
  check(getsockopt(six, IPPROTO_ICMPV6, ICMP6_FILTER, &found6, &length) == 0 && memcmp(&found6, &only6, sizeof only6)
        == 0, "ICMP6_FILTER: %m");
  int found = 0;
  length = sizeof found;
  check(getsockopt(header, IPPROTO_IP, IP_HDRINCL, &found, &length) == 0 && found == 1, "IP_HDRINCL %d", found);
  check(getsockopt(sum, IPPROTO_IPV6, IPV6_CHECKSUM, &found, &length) == 0 && found == 4, "IPV6_CHECKSUM %d", found);
  if (pings >= 0) {
    struct icmphdr echo = {.type = ICMP_ECHO};
    check(sendto(pings, &echo, sizeof echo, 0, (void *)&one, sizeof one) == sizeof echo, "sendto: %m");
    check(recv(pings, &echo, sizeof echo, 0) == sizeof echo && ntohs(echo.un.echo.id) == 4711, "the ping's reply");
    struct icmp6_hdr echo6 = {.icmp6_type = ICMP6_ECHO_REQUEST, .icmp6_seq = 5};
    check(send(pings6, &echo6, sizeof echo6, 0) == sizeof echo6, "send: %m");
    check(recv(pings6, &echo6, sizeof echo6, 0) == sizeof echo6 && echo6.icmp6_type == ICMP6_ECHO_REPLY
          && echo6.icmp6_seq == 5, "the ping's reply over IPv6: %m");
  }
  pass();
}

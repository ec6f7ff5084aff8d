// Multicast groups with their source filters, and options of sockets that can be set but not, or not wholly, be asked
// for: who has them back shows by what comes and goes.
#include "victim.h"

#include <arpa/inet.h>
#include <linux/in6.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define PORT 47113

static int loopback;

static int udp(int family, int multicast_all) {
  int fd = socket(family, SOCK_DGRAM, 0), one = 1;
  check(fd >= 0, "socket: %m");
  check(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0, "SO_REUSEADDR: %m");
  int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
  check(setsockopt(fd, level, family == AF_INET ? 49 : 29, &multicast_all, sizeof multicast_all) == 0, "all: %m");
  return fd;
}

static struct sockaddr_in v4(const char *host, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  check(inet_pton(AF_INET, host, &address.sin_addr) == 1, "address");
  return address;
}

static struct sockaddr_in6 v6(const char *host, int port) {
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
  check(inet_pton(AF_INET6, host, &address.sin6_addr) == 1, "address");
  return address;
}

static void join4(int fd, const char *group) {
  struct ip_mreqn request = {.imr_ifindex = loopback};
  check(inet_pton(AF_INET, group, &request.imr_multiaddr) == 1, "group");
  check(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request) == 0, "join %s: %m", group);
}

static void source(int fd, int level, int name, const void *group, const void *from, socklen_t length) {
  struct group_source_req request = {.gsr_interface = (uint32_t)loopback};
  memcpy(&request.gsr_group, group, length);
  memcpy(&request.gsr_source, from, length);
  check(setsockopt(fd, level, name, &request, sizeof request) == 0, "source option %d: %m", name);
}

// Sends one datagram to the group from `from` over loopback, and says whether it comes to `fd`.
static int comes4(int fd, const char *group, const char *from) {
  char byte;
  while (recv(fd, &byte, 1, MSG_DONTWAIT) == 1) {
  }
  int out = socket(AF_INET, SOCK_DGRAM, 0);
  struct ip_mreqn interface = {.imr_ifindex = loopback};
  struct sockaddr_in here = v4(from, 0), to = v4(group, PORT);
  check(setsockopt(out, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof interface) == 0, "interface: %m");
  check(bind(out, (void *)&here, sizeof here) == 0, "bind: %m");
  check(sendto(out, "x", 1, 0, (void *)&to, sizeof to) == 1, "sendto: %m");
  close(out);
  return recv(fd, &byte, 1, MSG_DONTWAIT) == 1;
}

// lo has no route for IPv6 multicast: whether the socket would take the group's packets is asked.
static int joined6(int fd, const char *group) {
  struct group_filter filter = {.gf_interface = (uint32_t)loopback};
  struct sockaddr_in6 address = v6(group, 0);
  memcpy(&filter.gf_group, &address, sizeof address);
  socklen_t length = sizeof filter;
  return getsockopt(fd, IPPROTO_IPV6, MCAST_MSFILTER, &filter, &length) == 0 && filter.gf_fmode == MCAST_EXCLUDE &&
         filter.gf_numsrc == 0;
}

int main(void) {
  victim_start();
  loopback = (int)if_nametoindex("lo");
  int plain = udp(AF_INET, 0), from_one = udp(AF_INET, 0), not_one = udp(AF_INET, 0), six = udp(AF_INET6, 0);
  struct sockaddr_in any4 = v4("0.0.0.0", PORT);
  struct sockaddr_in6 any6 = v6("::", PORT);
  int only = 1;
  check(setsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only) == 0, "v6only: %m");
  check(bind(plain, (void *)&any4, sizeof any4) == 0, "bind: %m");
  check(bind(from_one, (void *)&any4, sizeof any4) == 0, "bind: %m");
  check(bind(not_one, (void *)&any4, sizeof any4) == 0, "bind: %m");
  check(bind(six, (void *)&any6, sizeof any6) == 0, "bind: %m");

  join4(plain, "239.7.7.1");
  struct sockaddr_in group2 = v4("239.7.7.2", 0), group3 = v4("239.7.7.3", 0), one = v4("127.0.0.1", 0),
                     two = v4("127.0.0.2", 0);
  source(from_one, IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, &group2, &one, sizeof one);
  join4(not_one, "239.7.7.3");
  source(not_one, IPPROTO_IP, MCAST_BLOCK_SOURCE, &group3, &one, sizeof one);
  source(not_one, IPPROTO_IP, MCAST_BLOCK_SOURCE, &group3, &two, sizeof two);
  struct ipv6_mreq request6 = {.ipv6mr_interface = (unsigned)loopback};
  check(inet_pton(AF_INET6, "ff15::7", &request6.ipv6mr_multiaddr) == 1, "group");
  check(setsockopt(six, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request6, sizeof request6) == 0, "join: %m");

  // Sends to multicast through lo by number, from an address set once, in fragments.
  int sender = socket(AF_INET, SOCK_DGRAM, 0), sender6 = socket(AF_INET6, SOCK_DGRAM, 0);
  struct ip_mreqn interface = {.imr_ifindex = loopback};
  check(setsockopt(sender, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof interface) == 0, "interface: %m");
  struct in6_pktinfo sticky = {.ipi6_addr = in6addr_loopback, .ipi6_ifindex = (unsigned)loopback};
  check(setsockopt(sender6, IPPROTO_IPV6, IPV6_PKTINFO, &sticky, sizeof sticky) == 0, "IPV6_PKTINFO: %m");
  int listener = socket(AF_INET, SOCK_STREAM, 0), segment = 1000, got = 0;
  char key[16] = "sixteen bytes..", found[16];
  check(setsockopt(listener, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment) == 0, "TCP_MAXSEG: %m");
  check(setsockopt(listener, IPPROTO_TCP, 33, key, sizeof key) == 0, "TCP_FASTOPEN_KEY: %m");
  check(setsockopt(listener, SOL_SOCKET, SO_INCOMING_CPU, &(int){0}, sizeof(int)) == 0, "SO_INCOMING_CPU: %m");
  check(setsockopt(sender6, IPPROTO_IPV6, IPV6_FLOWINFO, &only, sizeof only) == 0, "IPV6_FLOWINFO: %m");
  check(bind(listener, (void *)&one, sizeof one) == 0 && listen(listener, 5) == 0, "listen: %m");

  // Options that were others when it was bound; half a shutdown(2).
  int sharers[2], no = 0, away = socket(AF_INET, SOCK_DGRAM, 0), mute = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in shared = v4("127.0.0.1", 47117), nowhere = v4("192.0.2.1", 0);
  for (int i = 0; i < 2; i++) {
    sharers[i] = socket(AF_INET, SOCK_STREAM, 0);
    check(setsockopt(sharers[i], SOL_SOCKET, SO_REUSEPORT, &only, sizeof only) == 0, "SO_REUSEPORT: %m");
    check(bind(sharers[i], (void *)&shared, sizeof shared) == 0 && listen(sharers[i], 1) == 0, "listen: %m");
  }
  check(setsockopt(sharers[0], SOL_SOCKET, SO_REUSEPORT, &no, sizeof no) == 0, "SO_REUSEPORT: %m");
  check(setsockopt(away, IPPROTO_IP, IP_FREEBIND, &only, sizeof only) == 0, "IP_FREEBIND: %m");
  check(bind(away, (void *)&nowhere, sizeof nowhere) == 0, "bind: %m");
  check(setsockopt(away, IPPROTO_IP, IP_FREEBIND, &no, sizeof no) == 0, "IP_FREEBIND: %m");
  check(connect(mute, (void *)&shared, sizeof shared) == 0 && shutdown(mute, SHUT_WR) == 0, "shutdown: %m");

  ready("joined");

  check(comes4(plain, "239.7.7.1", "127.0.0.1"), "nothing comes from the group that was joined");
  check(!comes4(plain, "239.7.7.2", "127.0.0.1"), "another group comes");
  check(comes4(from_one, "239.7.7.2", "127.0.0.1"), "nothing comes from the wanted source");
  check(!comes4(from_one, "239.7.7.2", "127.0.0.3"), "an unwanted source comes");
  check(!comes4(not_one, "239.7.7.3", "127.0.0.1"), "the first blocked source comes");
  check(!comes4(not_one, "239.7.7.3", "127.0.0.2"), "the second blocked source comes");
  check(comes4(not_one, "239.7.7.3", "127.0.0.3"), "what is not blocked does not come");
  check(joined6(six, "ff15::7"), "the IPv6 group is not joined");
  check(!joined6(six, "ff15::8"), "another IPv6 group is joined");
  struct ip_mreq by_address = {.imr_interface = {htonl(INADDR_LOOPBACK)}};
  inet_pton(AF_INET, "239.7.7.1", &by_address.imr_multiaddr);
  check(setsockopt(plain, IPPROTO_IP, IP_DROP_MEMBERSHIP, &(struct ip_mreqn){.imr_multiaddr = by_address.imr_multiaddr,
      .imr_ifindex = loopback}, sizeof(struct ip_mreqn)) == 0, "leave: %m");
  check(!comes4(plain, "239.7.7.1", "127.0.0.1"), "the group comes after it was left");

  struct sockaddr_in to = v4("239.7.7.3", PORT), here = v4("127.0.0.3", 0);
  check(bind(sender, (void *)&here, sizeof here) == 0, "bind: %m");
  while (recv(not_one, found, 1, MSG_DONTWAIT) == 1) {
  }
  check(sendto(sender, "y", 1, 0, (void *)&to, sizeof to) == 1, "sendto: %m");
  check(recv(not_one, found, 1, MSG_DONTWAIT) == 1, "it does not go over the interface that was set: %m");
  struct sockaddr_in6 to6 = v6("::1", PORT), from6 = {0};
  socklen_t length = sizeof from6;
  while (recv(six, found, 1, MSG_DONTWAIT) == 1) {
  }
  check(sendto(sender6, "z", 1, 0, (void *)&to6, sizeof to6) == 1, "sendto: %m");
  check(recvfrom(six, found, 1, MSG_DONTWAIT, (void *)&from6, &length) == 1, "recvfrom: %m");
  check(IN6_IS_ADDR_LOOPBACK(&from6.sin6_addr), "another source");

  length = sizeof got;
  check(getsockopt(listener, IPPROTO_TCP, TCP_MAXSEG, &got, &length) == 0 && got == segment, "segment %d: %m", got);
  length = sizeof found;
  check(getsockopt(listener, IPPROTO_TCP, 33, found, &length) == 0 && length == 16 && memcmp(key, found, 16) == 0,
        "TCP_FASTOPEN_KEY of %u bytes: %m", length);
  length = sizeof got;
  check(getsockopt(listener, SOL_SOCKET, SO_INCOMING_CPU, &got, &length) == 0 && got == 0, "SO_INCOMING_CPU %d", got);
  check(getsockopt(sender6, IPPROTO_IPV6, IPV6_FLOWINFO, &got, &length) == 0 && got == 1, "IPV6_FLOWINFO %d", got);
  for (int i = 0; i < 2; i++) {
    length = sizeof got;
    check(getsockopt(sharers[i], SOL_SOCKET, SO_REUSEPORT, &got, &length) == 0 && got == i, "SO_REUSEPORT %d", got);
  }
  struct sockaddr_in name;
  length = sizeof name;
  check(getsockname(away, (void *)&name, &length) == 0 && name.sin_addr.s_addr == nowhere.sin_addr.s_addr, "name: %m");
  length = sizeof got;
  check(getsockopt(away, IPPROTO_IP, IP_FREEBIND, &got, &length) == 0 && got == 0, "IP_FREEBIND %d", got);
  check(send(mute, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "it is not shut down for writing: %m");
  pass();
}

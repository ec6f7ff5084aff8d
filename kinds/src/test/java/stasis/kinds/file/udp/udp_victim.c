// UDP sockets of all sorts: bound and connected, with unread datagrams of several senders, with options.
#include "victim.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#define SMALL 3
#define LARGE 60000
static char large[LARGE];

static int udp(int family, int protocol) {
  int fd = socket(family, SOCK_DGRAM, protocol);
  check(fd >= 0, "socket: %m");
  return fd;
}

static struct sockaddr_in v4(unsigned port) {
  struct sockaddr_in address = {AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {0}};
  return address;
}

static struct sockaddr_in6 v6(void) {
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
  return address;
}

static void bind_any(int fd, void *address, socklen_t length) {
  check(bind(fd, address, length) == 0, "bind: %m");
  check(getsockname(fd, address, &length) == 0, "getsockname: %m");
}

static void set(int fd, int level, int name, int value) {
  check(setsockopt(fd, level, name, &value, sizeof value) == 0, "setsockopt %d/%d: %m", level, name);
}

static void has(int fd, int level, int name, int value) {
  int found = 0;
  socklen_t length = sizeof found;
  check(getsockopt(fd, level, name, &found, &length) == 0, "getsockopt %d/%d: %m", level, name);
  check(found == value, "option %d/%d is %d, not %d", level, name, found, value);
}

static void expect(int fd, const void *payload, size_t length, const void *from, socklen_t from_length) {
  static char buffer[LARGE + 1];
  char sender[128];
  socklen_t sender_length = sizeof sender;
  ssize_t got = recvfrom(fd, buffer, sizeof buffer, MSG_DONTWAIT, (void *)sender, &sender_length);
  check(got == (ssize_t)length, "received %zd, not %zu: %m", got, length);
  check(memcmp(buffer, payload, length) == 0, "other bytes");
  check(sender_length == from_length && memcmp(sender, from, from_length) == 0, "another sender");
}

static void empty(int fd) {
  char byte;
  check(recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "something is left: %m");
}

int main(void) {
  victim_start();
  for (int i = 0; i < LARGE; i++) large[i] = (char)(i * 7);
  int one = udp(AF_INET, 0), two = udp(AF_INET, 0), three = udp(AF_INET, 0), fresh = udp(AF_INET6, 0);
  struct sockaddr_in one_at = v4(0), two_at = v4(0), three_at = v4(0);
  bind_any(one, &one_at, sizeof one_at);
  bind_any(two, &two_at, sizeof two_at);
  bind_any(three, &three_at, sizeof three_at);
  // Two is connected to one; three is not.
  check(connect(two, (void *)&one_at, sizeof one_at) == 0, "connect: %m");
  check(send(two, "abc", SMALL, 0) == SMALL, "send: %m");
  check(sendto(three, large, LARGE, 0, (void *)&one_at, sizeof one_at) == LARGE, "sendto: %m");
  check(send(two, "", 0, 0) == 0, "send: %m");
  check(send(two, "xyz", SMALL, 0) == SMALL, "send: %m");
  check(sendto(one, "for two", 7, 0, (void *)&two_at, sizeof two_at) == 7, "sendto: %m");

  // IPv6, and a wildcard of both families.
  int six = udp(AF_INET6, 0), both = udp(AF_INET6, 0);
  struct sockaddr_in6 six_at = v6(), both_at = v6();
  both_at.sin6_addr = in6addr_any;
  bind_any(six, &six_at, sizeof six_at);
  bind_any(both, &both_at, sizeof both_at);
  struct sockaddr_in both_v4 = v4(ntohs(both_at.sin6_port));
  struct sockaddr_in6 both_v6 = v6(), three_mapped = v6();
  both_v6.sin6_port = both_at.sin6_port;
  check(sendto(three, "four", 4, 0, (void *)&both_v4, sizeof both_v4) == 4, "sendto: %m");
  check(sendto(six, "six", 3, 0, (void *)&both_v6, sizeof both_v6) == 3, "sendto: %m");
  three_mapped.sin6_port = three_at.sin_port;
  check(inet_pton(AF_INET6, "::ffff:127.0.0.1", &three_mapped.sin6_addr) == 1, "inet_pton");

  // Options: of the socket, of IP, of UDP; a filter that drops what is shorter than 10 bytes with its header.
  int odd = udp(AF_INET, 0);
  struct sockaddr_in odd_at = v4(0);
  set(odd, SOL_SOCKET, SO_REUSEADDR, 1);
  set(odd, SOL_SOCKET, SO_BROADCAST, 1);
  set(odd, SOL_SOCKET, SO_RCVBUF, 50000);
  set(odd, SOL_SOCKET, SO_TIMESTAMP, 1);
  set(odd, IPPROTO_IP, IP_TOS, 0x28);
  set(odd, IPPROTO_IP, IP_TTL, 77);
  set(odd, SOL_SOCKET, SO_PRIORITY, 5);
  set(odd, IPPROTO_IP, IP_PKTINFO, 1);
  set(odd, IPPROTO_IP, IP_MULTICAST_TTL, 9);
  set(odd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
  set(odd, IPPROTO_UDP, UDP_SEGMENT, 1200);
  set(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 33);
  set(six, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  set(fresh, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  struct timeval patience = {3, 500000};
  check(setsockopt(odd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0, "SO_RCVTIMEO: %m");
  struct sock_filter insns[] = {{BPF_LD | BPF_W | BPF_LEN, 0, 0, 0}, {BPF_JMP | BPF_JGE | BPF_K, 0, 1, 10},
      {BPF_RET | BPF_K, 0, 0, 0xffff}, {BPF_RET | BPF_K, 0, 0, 0}};
  struct sock_fprog filter = {4, insns};
  check(setsockopt(odd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0, "SO_ATTACH_FILTER: %m");
  bind_any(odd, &odd_at, sizeof odd_at);
  check(fcntl(odd, F_SETFL, O_NONBLOCK) == 0, "fcntl: %m");
  int shut = udp(AF_INET, 0);
  check(connect(shut, (void *)&one_at, sizeof one_at) == 0, "connect: %m");
  check(shutdown(shut, SHUT_RD) == 0, "shutdown: %m");

  // One that looks into its queue by itself: an empty datagram that was looked at is passed over by the next look.
  int looked = udp(AF_INET, 0), lite = udp(AF_INET6, IPPROTO_UDPLITE);
  struct sockaddr_in looked_at = v4(0);
  struct sockaddr_in6 lite_at = v6();
  bind_any(looked, &looked_at, sizeof looked_at);
  bind_any(lite, &lite_at, sizeof lite_at);
  check(sendto(two, "", 0, 0, (void *)&looked_at, sizeof looked_at) == 0, "sendto: %m");
  check(sendto(three, "1", 1, 0, (void *)&looked_at, sizeof looked_at) == 1, "sendto: %m");
  check(sendto(three, "", 0, 0, (void *)&looked_at, sizeof looked_at) == 0, "sendto: %m");
  set(looked, SOL_SOCKET, SO_PEEK_OFF, 0);
  char look[8];
  for (int i = 0; i < 3; i++) check(recv(looked, look, sizeof look, MSG_PEEK | MSG_DONTWAIT) >= 0, "peek: %m");
  int ahead = udp(AF_INET6, IPPROTO_UDPLITE);
  check(sendto(ahead, "lite", 4, 0, (void *)&lite_at, sizeof lite_at) == 4, "sendto: %m");

  ready("queued");

  has(looked, SOL_SOCKET, SO_PEEK_OFF, 1);
  set(looked, SOL_SOCKET, SO_PEEK_OFF, -1);
  expect(looked, "", 0, &two_at, sizeof two_at);
  expect(looked, "1", 1, &three_at, sizeof three_at);
  expect(looked, "", 0, &three_at, sizeof three_at);
  empty(looked);
  check(recv(lite, look, sizeof look, MSG_DONTWAIT) == 4 && memcmp(look, "lite", 4) == 0, "UDP-Lite: %m");

  expect(one, "abc", SMALL, &two_at, sizeof two_at);
  expect(one, large, LARGE, &three_at, sizeof three_at);
  expect(one, "", 0, &two_at, sizeof two_at);
  expect(one, "xyz", SMALL, &two_at, sizeof two_at);
  empty(one);
  expect(two, "for two", 7, &one_at, sizeof one_at);
  expect(both, "four", 4, &three_mapped, sizeof three_mapped);
  expect(both, "six", 3, &six_at, sizeof six_at);
  empty(both);

  ready("read");

  // Still connected, still bound.
  check(send(two, "again", 5, 0) == 5, "send: %m");
  expect(one, "again", 5, &two_at, sizeof two_at);
  check(sendto(three, "alien", 5, 0, (void *)&two_at, sizeof two_at) == 5, "sendto: %m");
  empty(two);
  has(odd, SOL_SOCKET, SO_REUSEADDR, 1);
  has(odd, SOL_SOCKET, SO_BROADCAST, 1);
  has(odd, SOL_SOCKET, SO_PRIORITY, 5);
  has(odd, SOL_SOCKET, SO_RCVBUF, 100000);
  has(odd, SOL_SOCKET, 72, 2); // SO_BUF_LOCK: the receive buffer was set
  has(one, SOL_SOCKET, 72, 0);
  has(odd, SOL_SOCKET, SO_TIMESTAMP, 1);
  has(odd, IPPROTO_IP, IP_TOS, 0x28);
  has(odd, IPPROTO_IP, IP_TTL, 77);
  has(odd, IPPROTO_IP, IP_PKTINFO, 1);
  has(odd, IPPROTO_IP, IP_MULTICAST_TTL, 9);
  has(odd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
  has(odd, IPPROTO_UDP, UDP_SEGMENT, 1200);
  has(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 33);
  has(six, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  has(fresh, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  has(both, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  struct timeval found;
  socklen_t length = sizeof found;
  check(getsockopt(odd, SOL_SOCKET, SO_RCVTIMEO, &found, &length) == 0 && found.tv_sec == 3
      && found.tv_usec == 500000, "SO_RCVTIMEO: %m");
  struct sock_filter attached[8];
  length = 8;
  check(getsockopt(odd, SOL_SOCKET, SO_GET_FILTER, attached, &length) == 0, "SO_GET_FILTER: %m");
  check(length == 4 && memcmp(attached, insns, sizeof insns) == 0, "another filter of %u", length);
  check(sendto(three, "a", 1, 0, (void *)&odd_at, sizeof odd_at) == 1, "sendto: %m");
  empty(odd);
  check(sendto(three, "long enough", 11, 0, (void *)&odd_at, sizeof odd_at) == 11, "sendto: %m");
  expect(odd, "long enough", 11, &three_at, sizeof three_at);
  check(fcntl(odd, F_GETFL) == (O_RDWR | O_NONBLOCK), "flags");
  char byte;
  check(recv(shut, &byte, 1, 0) == 0, "not shut: %m");
  check(getsockname(fresh, (void *)&both_v6, &(socklen_t){sizeof both_v6}) == 0 && both_v6.sin6_port == 0, "bound");

  // What waits for more: on a connected socket, to an address of its own, and of more than a page in several parts.
  set(two, IPPROTO_UDP, UDP_CORK, 1);
  check(send(two, "part", 4, 0) == 4 && send(two, "ner", 3, 0) == 3, "send: %m");
  check(sendto(three, large, 30000, MSG_MORE, (void *)&odd_at, sizeof odd_at) == 30000, "sendto: %m");
  check(send(three, large + 30000, 10000, MSG_MORE) == 10000, "send: %m");
  set(fresh, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  check(sendto(fresh, "six", 3, MSG_MORE, (void *)&six_at, sizeof six_at) == 3, "sendto: %m");
  check(sendto(both, "four", 4, MSG_MORE, (void *)&three_mapped, sizeof three_mapped) == 4, "sendto: %m");
  ready("corked");
  empty(one);
  empty(odd);
  empty(three);
  has(two, IPPROTO_UDP, UDP_CORK, 1);
  check(send(two, "ship", 4, 0) == 4, "send: %m");
  set(two, IPPROTO_UDP, UDP_CORK, 0);
  expect(one, "partnership", 11, &two_at, sizeof two_at);
  check(send(three, large + 40000, 5000, 0) == 5000, "send: %m");
  expect(odd, large, 45000, &three_at, sizeof three_at);
  check(send(fresh, "teen", 4, 0) == 4 && recv(six, large, 8, 0) == 7 && memcmp(large, "sixteen", 7) == 0, "v6: %m");
  check(send(both, "teen", 4, 0) == 4 && recv(three, large, 9, 0) == 8 && memcmp(large, "fourteen", 8) == 0, "v4: %m");
  pass();
}

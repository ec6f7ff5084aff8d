// A socket, of the kind that WHICH names, that no checkpoint carries.
#include "victim.h"

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/in6.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

static int is(const char *name) {
  return strcmp(getenv("WHICH") ? getenv("WHICH") : "sharers", name) == 0;
}

static int opened(int family, int type, int protocol) {
  return socket(family, type, protocol);
}

static int sharers(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  struct sock_filter drop = {6, 0, 0, 0};
  struct sock_fprog program = {1, &drop};
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  check(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0, "SO_REUSEPORT: %m");
  check(bind(fd, (void *)&here, sizeof here) == 0 && listen(fd, 1) == 0, "listen: %m");
  check(setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0, "program: %m");
  return fd;
}

static int keyed(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct tcp_md5sig key = {.tcpm_keylen = 3, .tcpm_key = "abc"};
  struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  memcpy(&key.tcpm_addr, &peer, sizeof peer);
  return setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof key) == 0 ? fd : -1;
}

static int labelled(void) {
  int fd = socket(AF_INET6, SOCK_DGRAM, 0);
  struct in6_flowlabel_req request = {.flr_dst = in6addr_loopback, .flr_label = htonl(0x12345),
      .flr_action = IPV6_FL_A_GET, .flr_flags = IPV6_FL_F_CREATE, .flr_share = IPV6_FL_S_EXCL};
  return setsockopt(fd, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &request, sizeof request) == 0 ? fd : -1;
}

static int anycast(void) {
  int fd = socket(AF_INET6, SOCK_DGRAM, 0);
  struct ipv6_mreq request = {.ipv6mr_multiaddr = {{{0xfd, [15] = 7}}}, .ipv6mr_interface = 1};
  return setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_ANYCAST, &request, sizeof request) == 0 ? fd : -1;
}

static int eBpf(void) {
  struct bpf_insn drop[] = {{0xb7, 0, 0, 0, 0}, {0x95, 0, 0, 0, 0}};
  union bpf_attr load = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = 2, .insns = (uint64_t)drop,
      .license = (uint64_t)"GPL"};
  int program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  int attached = program >= 0 && setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof program) == 0;
  close(program);
  return attached ? fd : -1;
}

static int upper(const char *name) {
  int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof here;
  check(bind(listener, (void *)&here, sizeof here) == 0 && listen(listener, 1) == 0, "listen: %m");
  check(getsockname(listener, (void *)&here, &length) == 0, "getsockname: %m");
  check(connect(fd, (void *)&here, sizeof here) == 0, "connect: %m");
  check(accept(listener, NULL, NULL) >= 0, "accept: %m");
  return setsockopt(fd, IPPROTO_TCP, TCP_ULP, name, (socklen_t)strlen(name)) == 0 ? fd : -1;
}

// With a peer that speaks TCP alone.
static int multipath(void) {
  int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 262);
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof here;
  if (fd < 0) return -1;
  check(bind(listener, (void *)&here, sizeof here) == 0 && listen(listener, 1) == 0, "listen: %m");
  check(getsockname(listener, (void *)&here, &length) == 0, "getsockname: %m");
  check(connect(fd, (void *)&here, sizeof here) == 0, "connect: %m");
  check(accept(listener, NULL, NULL) >= 0, "accept: %m");
  return fd;
}

static int ring(void) {
  int fd = socket(AF_PACKET, SOCK_RAW, 0);
  struct tpacket_req request = {4096, 4, 2048, 8};
  return fd >= 0 && setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) == 0 ? fd : -1;
}

// Data out of band for a listener that has not accepted.
static int urgent(void) {
  int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof here;
  check(bind(listener, (void *)&here, sizeof here) == 0 && listen(listener, 1) == 0, "listen: %m");
  check(getsockname(listener, (void *)&here, &length) == 0, "getsockname: %m");
  check(connect(fd, (void *)&here, sizeof here) == 0, "connect: %m");
  check(send(fd, "abc", 3, 0) == 3 && send(fd, "X", 1, MSG_OOB) == 1, "send: %m");
  return fd;
}

// TCP-AO: struct tcp_ao_add is newer than these headers. The address, the name of the algorithm, and at 216 the bits
// and what follows.
static int authentic(void) {
  char key[292] = "";
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  memcpy(key, &peer, sizeof peer);
  strcpy(key + 128, "hmac(sha1)");
  key[128 + 64 + 4 + 4 + 2] = 32;
  return setsockopt(fd, IPPROTO_TCP, 38, key, sizeof key) == 0 ? fd : -1;
}

static int unread(void) {
  int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  struct {
    struct nlmsghdr header;
    struct ifinfomsg link;
  } request = {{sizeof request, RTM_GETLINK, NLM_F_REQUEST, 1, 0}, {.ifi_index = 1}};
  check(send(fd, &request, sizeof request, 0) == sizeof request, "send: %m");
  return fd;
}

int main(void) {
  victim_start();
  int fd = is("sharers") ? sharers() : is("keyed") ? keyed() : is("labelled") ? labelled()
      : is("anycast") ? anycast() : is("ebpf") ? eBpf() : is("tls") ? upper("tls")
      : is("vsock") ? opened(40, SOCK_STREAM, 0) : is("sctp") ? opened(AF_INET, SOCK_SEQPACKET, 132)
      : is("can") ? opened(29, SOCK_RAW, 1) : is("xdp") ? opened(44, SOCK_RAW, 0)
      : is("alg") ? opened(38, SOCK_SEQPACKET, 0) : is("smc") ? opened(43, SOCK_STREAM, 0)
      : is("mptcp") ? multipath() : is("ring") ? ring() : is("unread") ? unread()
      : is("urgent") ? urgent() : is("ao") ? authentic()
      : is("tipc") ? opened(30, SOCK_RDM, 0) : is("rds") ? opened(21, SOCK_SEQPACKET, 0) : -1;
  ready(fd < 0 ? "none" : "mapped");
  pass();
}

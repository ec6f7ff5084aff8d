// Sockets with link-local addresses, fe80::77 of lo, which mean nothing without their interface.
#include "victim.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

static struct sockaddr_in6 here(void) {
  struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_scope_id = if_nametoindex("lo")};
  check(inet_pton(AF_INET6, "fe80::77", &at.sin6_addr) == 1, "inet_pton");
  return at;
}

static int bound(int type, struct sockaddr_in6 *at) {
  int fd = socket(AF_INET6, type, 0);
  socklen_t length = sizeof *at;
  *at = here();
  check(bind(fd, (void *)at, sizeof *at) == 0 && getsockname(fd, (void *)at, &length) == 0, "bind: %m");
  return fd;
}

int main(void) {
  victim_start();
  struct sockaddr_in6 one_at, two_at, server_at, found;
  int one = bound(SOCK_DGRAM, &one_at), two = bound(SOCK_DGRAM, &two_at), server = bound(SOCK_STREAM, &server_at);
  check(sendto(one, "datagram", 8, 0, (void *)&two_at, sizeof two_at) == 8, "sendto: %m");
  check(connect(one, (void *)&two_at, sizeof two_at) == 0, "connect: %m");
  int client = socket(AF_INET6, SOCK_STREAM, 0);
  check(listen(server, 3) == 0 && connect(client, (void *)&server_at, sizeof server_at) == 0, "connect: %m");
  int accepted = accept(server, NULL, NULL);
  check(accepted >= 0 && send(client, "stream", 6, 0) == 6, "send: %m");
  int waiting = socket(AF_INET6, SOCK_STREAM, 0);
  check(connect(waiting, (void *)&server_at, sizeof server_at) == 0 && send(waiting, "early", 5, 0) == 5, "connect: %m");

  ready("scoped");

  char got[16];
  socklen_t length = sizeof found;
  check(recvfrom(two, got, sizeof got, MSG_DONTWAIT, (void *)&found, &length) == 8 && memcmp(got, "datagram", 8) == 0,
      "datagram: %m");
  check(memcmp(&found, &one_at, sizeof found) == 0, "another sender, of interface %u", found.sin6_scope_id);
  length = sizeof found;
  check(getpeername(one, (void *)&found, &length) == 0 && found.sin6_scope_id == two_at.sin6_scope_id, "scope: %m");
  check(send(one, "more", 4, 0) == 4 && recv(two, got, sizeof got, MSG_DONTWAIT) == 4, "more: %m");
  check(recv(accepted, got, sizeof got, MSG_DONTWAIT) == 6 && memcmp(got, "stream", 6) == 0, "stream: %m");
  length = sizeof found;
  check(getpeername(client, (void *)&found, &length) == 0 && memcmp(&found, &server_at, sizeof found) == 0, "peer: %m");
  check(send(accepted, "back", 4, 0) == 4 && recv(client, got, sizeof got, 0) == 4, "back: %m");
  accepted = accept(server, NULL, NULL);
  check(accepted >= 0 && recv(accepted, got, sizeof got, 0) == 5 && memcmp(got, "early", 5) == 0, "early: %m");
  pass();
}

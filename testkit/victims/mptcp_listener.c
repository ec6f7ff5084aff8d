// A listener of Multipath TCP, as Go programs have by default, with a client that speaks plain TCP; such a connection
// is plain TCP at both ends.
#include "victim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define MPTCP 262

static int protocol(int fd) {
  int found = -1;
  socklen_t length = sizeof found;
  check(getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &found, &length) == 0, "SO_PROTOCOL: %m");
  return found;
}

static void talk(int one, int other) {
  char byte = 0;
  check(send(one, "x", 1, 0) == 1 && recv(other, &byte, 1, 0) == 1 && byte == 'x', "one way: %m");
  check(send(other, "y", 1, 0) == 1 && recv(one, &byte, 1, 0) == 1 && byte == 'y', "the other way: %m");
}

int main(void) {
  victim_start();
  int listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, MPTCP), one = 1;
  if (listener < 0) {
    ready("none");
    pass();
  }
  struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
  struct sockaddr_in there = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof here;
  check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0, "SO_REUSEADDR: %m");
  check(bind(listener, (void *)&here, sizeof here) == 0 && listen(listener, 17) == 0, "listen: %m");
  check(getsockname(listener, (void *)&here, &length) == 0, "getsockname: %m");
  there.sin_port = here.sin6_port;
  int client = socket(AF_INET, SOCK_STREAM, 0), idle = socket(AF_INET, SOCK_STREAM, MPTCP);
  check(connect(client, (void *)&there, sizeof there) == 0, "connect: %m");
  int server = accept(listener, NULL, NULL);
  check(server >= 0, "accept: %m");
  talk(client, server);

  ready("listening");

  talk(client, server);
  check(protocol(listener) == MPTCP && protocol(idle) == MPTCP, "protocols %d and %d", protocol(listener),
        protocol(idle));
  check(connect(idle, (void *)&there, sizeof there) == 0, "connect over MPTCP: %m");
  int second = accept(listener, NULL, NULL);
  check(second >= 0 && protocol(second) == MPTCP, "accept: %m");
  talk(idle, second);
  pass();
}

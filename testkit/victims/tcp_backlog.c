// A listener with room for one: who came first waits to be accepted, who came second is not answered. The second has
// the lower number.
#include "victim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

static int state(int fd) {
  struct tcp_info info;
  check(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &(socklen_t){sizeof info}) == 0, "TCP_INFO: %m");
  return info.tcpi_state;
}

static void meet(int listener, int client) {
  struct pollfd ready = {listener, POLLIN, 0};
  struct sockaddr_in peer, own;
  char byte;
  check(poll(&ready, 1, 20000) == 1, "nobody came");
  int server = accept(listener, (void *)&peer, &(socklen_t){sizeof peer});
  check(server >= 0, "accept: %m");
  check(getsockname(client, (void *)&own, &(socklen_t){sizeof own}) == 0, "getsockname: %m");
  check(own.sin_port == peer.sin_port, "another came first");
  check(send(client, "x", 1, MSG_NOSIGNAL) == 1 && recv(server, &byte, 1, 0) == 1 && byte == 'x', "talk: %m");
}

int main(void) {
  victim_start();
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  int second = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), first = socket(AF_INET, SOCK_STREAM, 0);
  check(bind(listener, (void *)&at, sizeof at) == 0 && listen(listener, 0) == 0, "listen: %m");
  check(getsockname(listener, (void *)&at, &(socklen_t){sizeof at}) == 0, "getsockname: %m");
  check(connect(first, (void *)&at, sizeof at) == 0, "connect: %m");
  check(connect(second, (void *)&at, sizeof at) < 0 && errno == EINPROGRESS, "connect: %m");
  check(state(second) == TCP_SYN_SENT, "state %d", state(second));

  ready("backlog");

  check(state(first) == TCP_ESTABLISHED && state(second) == TCP_SYN_SENT, "%d and %d", state(first), state(second));
  meet(listener, first);
  meet(listener, second);
  pass();
}

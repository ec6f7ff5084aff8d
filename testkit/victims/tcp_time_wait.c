// A server that closed a connection first, so that its port is in TIME_WAIT, and never asked for SO_REUSEADDR; and a
// socket bound to the port of another such connection.
#include "victim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static int listening(struct sockaddr_in *at, int reuse) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  check(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse) == 0, "SO_REUSEADDR: %m");
  check(bind(fd, (void *)at, sizeof *at) == 0 && listen(fd, 9) == 0, "listen: %m");
  check(getsockname(fd, (void *)at, &(socklen_t){sizeof *at}) == 0, "getsockname: %m");
  return fd;
}

// The server ends first.
static void spent(int listener, const struct sockaddr_in *at) {
  char byte;
  int client = socket(AF_INET, SOCK_STREAM, 0);
  check(connect(client, (const void *)at, sizeof *at) == 0, "connect: %m");
  int server = accept(listener, NULL, NULL);
  check(server >= 0 && close(server) == 0, "accept: %m");
  check(recv(client, &byte, 1, 0) == 0 && close(client) == 0, "no end: %m");
}

static int is_in_time_wait(int port) {
  char line[256];
  int found = 0;
  FILE *table = fopen("/proc/net/tcp", "r");
  check(table, "/proc/net/tcp: %m");
  while (fgets(line, sizeof line, table)) {
    unsigned own, state;
    if (sscanf(line, " %*d: %*x:%x %*x:%*x %x", &own, &state) == 2 && own == (unsigned)port && state == 6) found++;
  }
  fclose(table);
  return found;
}

int main(void) {
  victim_start();
  struct sockaddr_in at, other;
  int listener = listening(&at, 0), gone = listening(&other, 1), one = 1;
  for (int i = 0; i < 3; i++) spent(listener, &at);
  spent(gone, &other);
  close(gone);
  int bound = socket(AF_INET, SOCK_STREAM, 0);
  check(setsockopt(bound, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0, "SO_REUSEADDR: %m");
  check(bind(bound, (void *)&other, sizeof other) == 0, "bind: %m");
  check(is_in_time_wait(ntohs(at.sin_port)) > 0, "nothing is in TIME_WAIT");

  ready("time-wait");

  int reuse = -1;
  check(getsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &reuse, &(socklen_t){sizeof reuse}) == 0 && reuse == 0,
        "SO_REUSEADDR is %d", reuse);
  spent(listener, &at);
  check(listen(bound, 1) == 0, "listen: %m");
  spent(bound, &other);
  pass();
}

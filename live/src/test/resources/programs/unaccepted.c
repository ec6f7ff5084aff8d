// A server at PORT that has not accepted anybody. DEFER: whose handshakes end only with the first data. MULTIPATH:
// it listens by Multipath TCP.
#include "victim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

int main(void) {
  victim_start();
  struct sockaddr_in at = {AF_INET, htons((uint16_t)atoi(getenv("PORT"))), {htonl(INADDR_LOOPBACK)}, {0}};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, getenv("MULTIPATH") ? 262 : 0), one = 1, seconds = 30;
  check(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0, "SO_REUSEADDR: %m");
  if (getenv("DEFER"))
    check(setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds) == 0, "TCP_DEFER_ACCEPT: %m");
  check(bind(fd, (void *)&at, sizeof at) == 0 && listen(fd, 4) == 0, "listen: %m");
  ready("listening");
  ready("waiting");
  int accepted = accept(fd, NULL, NULL);
  char got[6] = "";
  if (getenv("NOBODY")) check(accepted < 0 && errno == EAGAIN, "somebody waits");
  else check(recv(accepted, got, 5, 0) == 5 && strcmp(got, "hello") == 0, "recv %s: %m", got);
  pass();
}

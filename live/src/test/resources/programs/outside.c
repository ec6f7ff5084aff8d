// A client of a server outside: connected to PORT, with 5 bytes not read. MULTIPATH: by a socket of Multipath TCP.
#include "victim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(void) {
  victim_start();
  struct sockaddr_in at = {AF_INET, htons((uint16_t)atoi(getenv("PORT"))), {htonl(INADDR_LOOPBACK)}, {0}};
  int fd = socket(AF_INET, SOCK_STREAM, getenv("MULTIPATH") ? 262 : 0), unread = 0;
  check(connect(fd, (void *)&at, sizeof at) == 0, "connect: %m");
  for (int i = 0; i < 1000 && unread < 5; i++) {
    usleep(1000);
    check(ioctl(fd, FIONREAD, &unread) == 0, "FIONREAD: %m");
  }
  check(unread == 5, "%d unread", unread);
  const char *half = getenv("HALF") ? getenv("HALF") : "";
  if (strstr(half, "in")) {
    // Until the peer's FIN is here.
    struct pollfd poll_in = {fd, POLLRDHUP, 0};
    check(poll(&poll_in, 1, 5000) == 1, "no FIN: %m");
  }
  if (strstr(half, "out")) {
    check(send(fd, "alive", 5, MSG_NOSIGNAL) == 5 && shutdown(fd, SHUT_WR) == 0, "shutdown: %m");
    usleep(20000);
  }
  ready("connected");
  char got[6] = "";
  check(recv(fd, got, 5, MSG_WAITALL) == 5 && strcmp(got, "hello") == 0, "recv %s: %m", got);
  if (getenv("RESET")) {
    check(recv(fd, got, 1, 0) < 0 && errno == ECONNRESET, "no reset: %m");
  } else if (*half) {
    char more[10] = "";
    if (!strstr(half, "in"))
      check(recv(fd, more, 9, MSG_WAITALL) == 9 && strcmp(more, "meanwhile") == 0, "recv %s: %m", more);
    check(recv(fd, more, 1, 0) == 0, "no end: %m");
    if (!strstr(half, "out")) check(send(fd, "alive", 5, MSG_NOSIGNAL) == 5, "send: %m");
    else check(send(fd, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "it can be written to: %m");
  } else {
    char more[10] = "";
    if (getenv("MEANWHILE"))
      check(recv(fd, more, 9, MSG_WAITALL) == 9 && strcmp(more, "meanwhile") == 0, "recv %s: %m", more);
    check(send(fd, "alive", 5, MSG_NOSIGNAL) == 5, "send: %m");
  }
  pass();
}

// A client of a server outside: connected to PORT, with 5 bytes not read.
#include "victim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(void) {
  victim_start();
  struct sockaddr_in at = {AF_INET, htons((uint16_t)atoi(getenv("PORT"))), {htonl(INADDR_LOOPBACK)}, {0}};
  int fd = socket(AF_INET, SOCK_STREAM, 0), unread = 0;
  check(connect(fd, (void *)&at, sizeof at) == 0, "connect: %m");
  for (int i = 0; i < 1000 && unread < 5; i++) {
    usleep(1000);
    check(ioctl(fd, FIONREAD, &unread) == 0, "FIONREAD: %m");
  }
  check(unread == 5, "%d unread", unread);
  ready("connected");
  char got[6] = "";
  check(recv(fd, got, 5, MSG_WAITALL) == 5 && strcmp(got, "hello") == 0, "recv %s: %m", got);
  if (getenv("RESET")) {
    check(recv(fd, got, 1, 0) < 0 && errno == ECONNRESET, "no reset: %m");
  } else {
    char more[10] = "";
    if (getenv("MEANWHILE"))
      check(recv(fd, more, 9, MSG_WAITALL) == 9 && strcmp(more, "meanwhile") == 0, "recv %s: %m", more);
    check(send(fd, "alive", 5, MSG_NOSIGNAL) == 5, "send: %m");
  }
  pass();
}

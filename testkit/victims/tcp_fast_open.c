// TCP Fast Open: a listener with a queue and a key for it, a socket that will use it, one whose connect(2) waits for
// the first data, and a connection that was made so.
#include "victim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#define FASTOPEN_CONNECT 30
#define FASTOPEN_KEY 33
#define FASTOPEN_NO_COOKIE 34

static void set(int fd, int name, int value) {
  check(setsockopt(fd, IPPROTO_TCP, name, &value, sizeof value) == 0, "setsockopt %d: %m", name);
}

static void has(int fd, int name, int value) {
  int found = -1;
  socklen_t length = sizeof found;
  check(getsockopt(fd, IPPROTO_TCP, name, &found, &length) == 0 && found == value, "option %d is %d", name, found);
}

static int eager(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  set(fd, FASTOPEN_CONNECT, 1);
  set(fd, FASTOPEN_NO_COOKIE, 1);
  return fd;
}

static int accepted(int listener) {
  struct pollfd ready = {listener, POLLIN, 0};
  check(poll(&ready, 1, 10000) == 1, "nobody came");
  int fd = accept(listener, NULL, NULL);
  check(fd >= 0, "accept: %m");
  return fd;
}

static void talk(int from, int to, const char *text) {
  char heard[32];
  size_t length = strlen(text);
  check(send(from, text, length, MSG_NOSIGNAL) == (ssize_t)length, "send %s: %m", text);
  check(recv(to, heard, length, MSG_WAITALL) == (ssize_t)length && memcmp(heard, text, length) == 0, "%s: %m", text);
}

int main(void) {
  victim_start();
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof at;
  char key[16] = "sixteen bytes. ", found[32];
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  check(bind(listener, (void *)&at, sizeof at) == 0 && listen(listener, 9) == 0, "listen: %m");
  check(getsockname(listener, (void *)&at, &length) == 0, "getsockname: %m");
  set(listener, TCP_FASTOPEN, 23);
  check(setsockopt(listener, IPPROTO_TCP, FASTOPEN_KEY, key, sizeof key) == 0, "TCP_FASTOPEN_KEY: %m");
  int will = eager(), waits = eager(), client = eager();
  check(connect(client, (void *)&at, sizeof at) == 0 && send(client, "first", 5, 0) == 5, "connect: %m");
  int server = accepted(listener);
  check(recv(server, found, 5, MSG_WAITALL) == 5 && memcmp(found, "first", 5) == 0, "first: %m");
  check(connect(waits, (void *)&at, sizeof at) == 0, "connect: %m");

  ready("fast-open");

  has(listener, TCP_FASTOPEN, 23);
  length = sizeof found;
  check(getsockopt(listener, IPPROTO_TCP, FASTOPEN_KEY, found, &length) == 0 && length == 16
      && memcmp(found, key, 16) == 0, "key of %u bytes: %m", length);
  has(will, FASTOPEN_CONNECT, 1);
  has(will, FASTOPEN_NO_COOKIE, 1);
  talk(client, server, "further");
  talk(server, client, "back");
  struct pollfd nobody = {listener, POLLIN, 0};
  check(poll(&nobody, 1, 0) == 0, "it did not wait for data");
  check(send(waits, "late", 4, MSG_NOSIGNAL) == 4, "send: %m");
  int late = accepted(listener);
  check(recv(late, found, 4, MSG_WAITALL) == 4 && memcmp(found, "late", 4) == 0, "late: %m");
  check(connect(will, (void *)&at, sizeof at) == 0 && send(will, "new", 3, MSG_NOSIGNAL) == 3, "connect: %m");
  int newest = accepted(listener);
  check(recv(newest, found, 3, MSG_WAITALL) == 3 && memcmp(found, "new", 3) == 0, "new: %m");
  pass();
}

// Connections of Multipath TCP with both ends in the tree: with bytes on their way both ways, more than any buffer
// has, half closed, with an end that was closed, over, over IPv6, with the other end in another process, not
// accepted, and not answered.
#include "victim.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define MPTCP 262
#define MUCH (6 << 20)
typedef struct { int server, client; } pair;

static int listening(int family, struct sockaddr_storage *at) {
  int fd = socket(family, SOCK_STREAM, MPTCP);
  socklen_t length = sizeof *at;
  if (fd < 0) {
    ready("none");
    pass();
  }
  memset(at, 0, sizeof *at);
  at->ss_family = (sa_family_t)family;
  if (family == AF_INET) ((struct sockaddr_in *)at)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  else ((struct sockaddr_in6 *)at)->sin6_addr = in6addr_loopback;
  check(bind(fd, (void *)at, sizeof *at) == 0 && listen(fd, 9) == 0, "listen: %m");
  check(getsockname(fd, (void *)at, &length) == 0, "getsockname: %m");
  return fd;
}

static int connected(const struct sockaddr_storage *at) {
  int fd = socket(at->ss_family, SOCK_STREAM, MPTCP);
  check(fd >= 0 && connect(fd, (const void *)at, sizeof *at) == 0, "connect: %m");
  return fd;
}

static pair joined(int listener, const struct sockaddr_storage *at) {
  int client = connected(at);
  pair both = {accept(listener, NULL, NULL), client};
  check(both.server >= 0, "accept: %m");
  return both;
}

static char byte_at(long at) { return (char)(at * 31 + at / 251); }

static long fill(int fd) {
  char chunk[4096];
  for (long at = 0;; at += 4096) {
    for (int i = 0; i < 4096; i++) chunk[i] = byte_at(at + i);
    ssize_t sent = at == MUCH ? -1 : send(fd, chunk, 4096, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 4096) return sent < 0 ? at : at + sent;
  }
}

static void drain(int fd, long length) {
  char chunk[4096];
  for (long at = 0; at < length;) {
    struct pollfd ready = {fd, POLLIN, 0};
    check(poll(&ready, 1, 10000) == 1, "nothing more after %ld of %ld", at, length);
    ssize_t got = recv(fd, chunk, length - at < 4096 ? (size_t)(length - at) : 4096, 0);
    check(got > 0, "recv after %ld of %ld: %zd %m", at, length, got);
    for (int i = 0; i < got; i++) check(chunk[i] == byte_at(at + i), "byte %ld", at + i);
    at += got;
  }
}

static void hears(int fd, const char *text) {
  char heard[64];
  size_t length = strlen(text);
  check(recv(fd, heard, length, MSG_WAITALL) == (ssize_t)length && memcmp(heard, text, length) == 0, "%s: %m", text);
}

static void says(int fd, const char *text) {
  check(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text), "%s: %m", text);
}

static void talk(pair both) {
  says(both.client, "there");
  hears(both.server, "there");
  says(both.server, "and back");
  hears(both.client, "and back");
}

static void ends(int fd) {
  char byte;
  struct pollfd ready = {fd, POLLIN, 0};
  check(poll(&ready, 1, 10000) == 1 && recv(fd, &byte, 1, 0) == 0, "no end: %m");
}

// A listener that nobody can reach.
static int deaf(struct sockaddr_storage *at) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sock_filter drop = {6, 0, 0, 0};
  struct sock_fprog program = {1, &drop};
  memset(at, 0, sizeof *at);
  *(struct sockaddr_in *)at = (struct sockaddr_in){AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
  check(bind(fd, (void *)at, sizeof(struct sockaddr_in)) == 0 && listen(fd, 3) == 0, "listen: %m");
  check(getsockname(fd, (void *)at, &(socklen_t){sizeof *at}) == 0, "getsockname: %m");
  check(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0, "SO_ATTACH_FILTER: %m");
  return fd;
}

int main(void) {
  victim_start();
  struct sockaddr_storage v4, v6, nowhere, before[2], after;
  int one = 1, found = 0;
  socklen_t length = sizeof found;
  int listener = listening(AF_INET, &v4), listener6 = listening(AF_INET6, &v6);
  pair full = joined(listener, &v4), half = joined(listener, &v4), left = joined(listener, &v4);
  pair wide = joined(listener6, &v6), still = joined(listener, &v4), afar = joined(listener, &v4);
  check(setsockopt(still.client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0, "TCP_NODELAY: %m");
  long there = fill(full.client), back = fill(full.server);
  says(half.client, "the last");
  check(shutdown(half.client, SHUT_WR) == 0, "shutdown: %m");
  says(half.server, "before");
  says(left.client, "gone");
  close(left.client);
  says(wide.client, "unread");
  pair over = joined(listener, &v4);
  check(shutdown(over.client, SHUT_WR) == 0 && shutdown(over.server, SHUT_WR) == 0, "shutdown: %m");
  ends(over.client);
  ends(over.server);
  int unheard = deaf(&nowhere), caller = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, MPTCP);
  check(connect(caller, (void *)&nowhere, sizeof nowhere) < 0 && errno == EINPROGRESS, "connect: %m");
  check(getpeername(still.server, (void *)&before[0], &(socklen_t){sizeof v4}) == 0, "getpeername: %m");
  check(getsockname(still.server, (void *)&before[1], &(socklen_t){sizeof v4}) == 0, "getsockname: %m");
  int child = fork();
  if (child == 0) {
    close(afar.client);
    ready_wait("pairs");
    hears(afar.server, "hello");
    says(afar.server, "hello yourself");
    _exit(0);
  }
  close(afar.server);
  int waiting = connected(&v4);

  ready("pairs");

  talk(still);
  check(getpeername(still.server, (void *)&after, &(socklen_t){sizeof v4}) == 0, "getpeername: %m");
  check(memcmp(&before[0], &after, sizeof(struct sockaddr_in)) == 0, "another peer");
  check(getsockname(still.server, (void *)&after, &(socklen_t){sizeof v4}) == 0, "getsockname: %m");
  check(memcmp(&before[1], &after, sizeof(struct sockaddr_in)) == 0, "another address");
  check(getsockopt(still.client, IPPROTO_TCP, TCP_NODELAY, &found, &length) == 0 && found == 1, "TCP_NODELAY");
  drain(full.server, there);
  drain(full.client, back);
  talk(full);
  hears(half.server, "the last");
  ends(half.server);
  hears(half.client, "before");
  says(half.server, "after");
  hears(half.client, "after");
  check(shutdown(half.server, SHUT_WR) == 0, "shutdown: %m");
  ends(half.client);
  hears(left.server, "gone");
  ends(left.server);
  hears(wide.server, "unread");
  talk(wide);
  ends(over.client);
  ends(over.server);
  check(send(over.client, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "it is not over: %m");
  check(setsockopt(unheard, SOL_SOCKET, SO_DETACH_FILTER, &one, sizeof one) == 0, "SO_DETACH_FILTER: %m");
  struct pollfd writable = {caller, POLLOUT, 0};
  check(poll(&writable, 1, 10000) == 1, "never connected");
  check(fcntl(caller, F_SETFL, 0) == 0, "F_SETFL: %m");
  talk((pair){accept(unheard, NULL, NULL), caller});
  says(afar.client, "hello");
  hears(afar.client, "hello yourself");
  ends(afar.client);
  int status = -1;
  check(waitpid(child, &status, 0) == child && status == 0, "child: %x", status);
  int accepted = accept(listener, NULL, NULL);
  check(accepted >= 0, "accept: %m");
  talk((pair){accepted, waiting});
  pass();
}

// A server and its client, in two processes, at OLD4 and OLD6; afterwards they must be at NEW4 and NEW6, connected as
// they were, with all that was on its way.
#include "victim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PORT 4711
#define NEW_PORT (getenv("NEW_PORT") ? atoi(getenv("NEW_PORT")) : PORT)

union address {
  struct sockaddr any;
  struct sockaddr_in four;
  struct sockaddr_in6 six;
};

static socklen_t at(int family, const char *when, int port, union address *address) {
  char name[8];
  snprintf(name, sizeof name, "%s%d", when, family == AF_INET ? 4 : 6);
  check(getenv(name) != NULL, "%s is not set", name);
  memset(address, 0, sizeof *address);
  address->any.sa_family = (sa_family_t)family;
  address->four.sin_port = htons((uint16_t)port);
  check(inet_pton(family, getenv(name), family == AF_INET ? (void *)&address->four.sin_addr
      : (void *)&address->six.sin6_addr) == 1, "%s", name);
  return family == AF_INET ? sizeof address->four : sizeof address->six;
}

// Says it of `fd`; port 0 is any.
static void is_at(int fd, int peer, int family, int port) {
  union address found, wanted;
  socklen_t length = sizeof found;
  check((peer ? getpeername : getsockname)(fd, &found.any, &length) == 0, "name: %m");
  at(family, "NEW", port ? port : ntohs(found.four.sin_port), &wanted);
  char text[64];
  inet_ntop(family, family == AF_INET ? (void *)&found.four.sin_addr : (void *)&found.six.sin6_addr, text, sizeof text);
  check(family == AF_INET ? found.four.sin_addr.s_addr == wanted.four.sin_addr.s_addr
      : memcmp(&found.six.sin6_addr, &wanted.six.sin6_addr, 16) == 0, "it is at %s", text);
  check(found.four.sin_port == wanted.four.sin_port, "port %d", ntohs(found.four.sin_port));
}

static void takes(int fd, const char *text) {
  char found[64] = "";
  ssize_t got = recv(fd, found, strlen(text), MSG_WAITALL);
  check(got == (ssize_t)strlen(text) && strcmp(found, text) == 0, "received '%s', not '%s': %m", found, text);
}

static int listening(int family, int type) {
  union address here;
  socklen_t length = at(family, "OLD", PORT, &here);
  int fd = socket(family, type, 0), one = 1;
  check(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0, "reuse: %m");
  check(bind(fd, &here.any, length) == 0, "bind: %m");
  check(type != SOCK_STREAM || listen(fd, 4) == 0, "listen: %m");
  return fd;
}

static int connected(int family, int type) {
  union address there;
  socklen_t length = at(family, "OLD", PORT, &there);
  int fd = socket(family, type, 0);
  check(connect(fd, &there.any, length) == 0, "connect: %m");
  return fd;
}

static void client(int family) {
  int stream = connected(family, SOCK_STREAM), packets = connected(family, SOCK_DGRAM);
  check(send(stream, "before", 6, 0) == 6 && send(packets, "packet", 6, 0) == 6, "send: %m");
  ready_wait("connected");
  is_at(stream, 0, family, 0);
  is_at(stream, 1, family, NEW_PORT);
  is_at(packets, 1, family, NEW_PORT);
  takes(stream, "waiting");
  check(send(stream, "after", 5, 0) == 5 && send(packets, "second", 6, 0) == 6, "send: %m");
  takes(stream, "done");
  _exit(0);
}

int main(void) {
  victim_start();
  int families[] = {AF_INET, AF_INET6}, listeners[2], packets[2], streams[2], children[2];
  for (int i = 0; i < 2; i++) {
    listeners[i] = listening(families[i], SOCK_STREAM);
    packets[i] = listening(families[i], SOCK_DGRAM);
    children[i] = fork();
    if (children[i] == 0) {
      client(families[i]);
    }
    streams[i] = accept(listeners[i], NULL, NULL);
    check(streams[i] >= 0, "accept: %m");
    char first;
    check(recv(packets[i], &first, 1, MSG_PEEK) == 1, "packet: %m");
    check(send(streams[i], "waiting", 7, 0) == 7, "send: %m");
  }
  ready("connected");
  for (int i = 0; i < 2; i++) {
    is_at(listeners[i], 0, families[i], NEW_PORT);
    is_at(streams[i], 0, families[i], NEW_PORT);
    is_at(streams[i], 1, families[i], 0);
    is_at(packets[i], 0, families[i], NEW_PORT);
    takes(streams[i], "before");
    takes(streams[i], "after");
    check(send(streams[i], "done", 4, 0) == 4, "send: %m");
    char packet[8] = "";
    union address from;
    socklen_t length = sizeof from;
    check(recvfrom(packets[i], packet, 8, 0, &from.any, &length) == 6 && strcmp(packet, "packet") == 0, "packet: %m");
    check(recv(packets[i], packet, 8, 0) == 6 && strcmp(packet, "second") == 0, "second packet: %m");
    check(connect(packets[i], &from.any, length) == 0, "connect: %m");
    is_at(packets[i], 1, families[i], 0);
    int status;
    check(waitpid(children[i], &status, 0) == children[i] && status == 0, "child: %x", status);
    int again = socket(families[i], SOCK_STREAM, 0);
    length = at(families[i], "NEW", NEW_PORT, &from);
    check(connect(again, &from.any, length) == 0, "a new client: %m");
    check(accept(listeners[i], NULL, NULL) >= 0, "accept: %m");
  }
  pass();
}

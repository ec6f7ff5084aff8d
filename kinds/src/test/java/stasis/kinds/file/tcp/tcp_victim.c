// TCP sockets of all sorts in one process: fresh, bound, listening with a client that waits, and both ends of
// connections, with bytes on their way in both directions, half closed, corked, and with options.
#include "victim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define MUCH (8 << 20)
typedef struct { int server, client; } pair;
typedef union { struct sockaddr any; struct sockaddr_in v4; struct sockaddr_in6 v6; } address;

static int tcp(int family) {
  int fd = socket(family, SOCK_STREAM, 0);
  check(fd >= 0, "socket: %m");
  return fd;
}

static void set(int fd, int level, int name, int value) {
  check(setsockopt(fd, level, name, &value, sizeof value) == 0, "setsockopt %d/%d: %m", level, name);
}

static int get(int fd, int level, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  check(getsockopt(fd, level, name, &value, &length) == 0, "getsockopt %d/%d: %m", level, name);
  return value;
}

static void has(int fd, int level, int name, int value) {
  check(get(fd, level, name) == value, "option %d/%d is %d, not %d", level, name, get(fd, level, name), value);
}

static address loopback(int family) {
  address at = {.v4 = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}}};
  if (family == AF_INET6) at.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
  return at;
}

static address name(int fd, int (*of)(int, struct sockaddr *, socklen_t *)) {
  address at;
  memset(&at, 0, sizeof at);
  socklen_t length = sizeof at;
  check(of(fd, &at.any, &length) == 0, "name: %m");
  return at;
}

static int listener(int family, int reuse) {
  int fd = tcp(family);
  address at = loopback(family);
  set(fd, SOL_SOCKET, SO_REUSEADDR, reuse);
  check(bind(fd, &at.any, sizeof at) == 0 && listen(fd, 7) == 0, "listen: %m");
  return fd;
}

static int connected(int listening) {
  address at = name(listening, getsockname);
  int fd = tcp(at.any.sa_family);
  check(connect(fd, &at.any, sizeof at) == 0, "connect: %m");
  return fd;
}

static pair joined(int listening) {
  int client = connected(listening);
  pair both = {accept(listening, NULL, NULL), client};
  check(both.server >= 0, "accept: %m");
  return both;
}

static char byte_at(long at) { return (char)(at * 31 + at / 251); }

// Writes until no more is taken.
static long fill(int fd, long most) {
  long at = 0;
  char chunk[4096];
  while (at < most) {
    for (int i = 0; i < 4096; i++) chunk[i] = byte_at(at + i);
    ssize_t sent = send(fd, chunk, most - at < 4096 ? (size_t)(most - at) : 4096, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      check(errno == EAGAIN, "send: %m");
      break;
    }
    at += sent;
  }
  return at;
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

static void silent(int fd) {
  char byte;
  check(recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "not silent: %m");
}

static void ends(int fd) {
  char byte;
  struct pollfd ready = {fd, POLLIN, 0};
  check(poll(&ready, 1, 10000) == 1 && recv(fd, &byte, 1, 0) == 0, "no end: %m");
}

static void talk(int from, int to, const char *text) {
  char heard[64];
  size_t length = strlen(text);
  check(send(from, text, length, MSG_NOSIGNAL) == (ssize_t)length, "send: %m");
  check(recv(to, heard, length, MSG_WAITALL) == (ssize_t)length && memcmp(heard, text, length) == 0, "recv: %m");
}

static void same(address *a, address b) {
  check(memcmp(a, &b, sizeof b) == 0, "another address");
}

static void check_closed(int fd, int family, address *bound) {
  check(get(fd, SOL_SOCKET, SO_DOMAIN) == family, "family");
  same(bound, name(fd, getsockname));
}

// 0 when the connection is over.
static in_port_t peer_port(int fd) {
  address peer;
  return getpeername(fd, &peer.any, &(socklen_t){sizeof peer}) == 0 ? peer.v4.sin_port : 0;
}

// Accepts whoever came from `port`, with all others of the queue.
static int accepted_from(int listening, in_port_t port, int *others) {
  for (int *other = others; *other >= 0; other++) {
    if (peer_port(*other) == port) return *other;
  }
  for (;;) {
    struct pollfd ready = {listening, POLLIN, 0};
    check(poll(&ready, 1, 5000) == 1, "nobody from port %u waits", ntohs(port));
    int fd = accept(listening, NULL, NULL);
    check(fd >= 0, "accept: %m");
    if (peer_port(fd) == port) return fd;
    while (*others >= 0) others++;
    *others = fd;
  }
}

// Clients that nobody has accepted, with what they have sent, half closed and closed.
static void unaccepted(void) {
  int four = listener(AF_INET, 0), six = listener(AF_INET6, 0), late = listener(AF_INET, 1);
  int hello = connected(six), much = connected(four), done = connected(four), deferred;
  set(late, IPPROTO_TCP, TCP_DEFER_ACCEPT, 60);
  deferred = connected(late);
  check(send(hello, "hello", 5, 0) == 5, "send: %m");
  long all = fill(much, MUCH), little = fill(done, 3000);
  check(all > 100000, "only %ld bytes", all);
  check(shutdown(done, SHUT_WR) == 0, "shutdown: %m");
  int gone = connected(four), torn = connected(four), silent_one = connected(six);
  in_port_t gone_port = name(gone, getsockname).v4.sin_port;
  check(fill(gone, 7000) == 7000 && fill(torn, 20) == 20, "fill");
  close(gone);
  struct linger at_once = {1, 0};
  check(setsockopt(torn, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0, "SO_LINGER: %m");

  ready("unaccepted");

  close(torn);
  ready("unaccepted-reset");

  int others[8] = {-1, -1, -1, -1, -1, -1, -1, -1};
  char heard[8];
  // The reset one comes back closed: it has no peer's name, and is the one that is left.
  int server = accepted_from(four, name(much, getsockname).v4.sin_port, others);
  drain(server, all);
  silent(server);
  talk(server, much, "backwards");
  server = accepted_from(four, name(done, getsockname).v4.sin_port, others);
  drain(server, little);
  ends(server);
  talk(server, done, "backwards");
  server = accepted_from(four, gone_port, others);
  drain(server, 7000);
  ends(server);
  // The one that was reset has no peer's name.
  server = accepted_from(four, 0, others);
  drain(server, 20);
  check(recv(server, heard, 1, 0) < 0 && errno == ECONNRESET, "no reset: %m");
  others[0] = -1;
  server = accepted_from(six, name(hello, getsockname).v6.sin6_port, others);
  check(recv(server, heard, 5, MSG_WAITALL) == 5 && memcmp(heard, "hello", 5) == 0, "hello: %m");
  talk(hello, server, "more");
  server = accepted_from(six, name(silent_one, getsockname).v6.sin6_port, others);
  silent(server);
  talk(silent_one, server, "at last");
  // Nobody is accepted who has said nothing.
  check(fcntl(late, F_SETFL, O_NONBLOCK) == 0 && accept(late, NULL, NULL) < 0 && errno == EAGAIN, "not deferred: %m");
  check(send(deferred, "x", 1, 0) == 1, "send: %m");
  server = accept(late, NULL, NULL);
  check(server >= 0 && recv(server, heard, 1, 0) == 1 && heard[0] == 'x', "deferred: %m");
}

static volatile int urgencies;

static void on_urgent(int signal) {
  (void)signal;
  urgencies++;
}

static void out_of_band(pair to, const char *before, char byte, const char *after) {
  check(send(to.client, before, strlen(before), 0) == (ssize_t)strlen(before), "send: %m");
  check(send(to.client, &byte, 1, MSG_OOB) == 1, "MSG_OOB: %m");
  check(send(to.client, after, strlen(after), 0) == (ssize_t)strlen(after), "send: %m");
}

// One read, which ends at an urgent byte.
static void reads(int fd, const char *text) {
  char heard[64];
  ssize_t got = recv(fd, heard, sizeof heard, MSG_DONTWAIT);
  check(got == (ssize_t)strlen(text) && memcmp(heard, text, strlen(text)) == 0, "read %zd, not %s: %m", got, text);
}

static void takes(int fd, char byte) {
  char heard = 0;
  check(recv(fd, &heard, 1, MSG_OOB) == 1 && heard == byte, "out of band %c, not %c: %m", heard, byte);
}

static void at_mark(int fd, int expected) {
  int mark = -1;
  check(ioctl(fd, SIOCATMARK, &mark) == 0 && mark == expected, "SIOCATMARK is %d, not %d", mark, expected);
}

// Urgent bytes that were not read, that were, that are inline, alone, and on their way.
static void urgent(void) {
  int four = listener(AF_INET, 0), six = listener(AF_INET6, 0);
  pair unread = joined(four), taken = joined(six), inlined = joined(four), alone = joined(six), far = joined(four);
  check(signal(SIGURG, on_urgent) != SIG_ERR && fcntl(unread.server, F_SETOWN, getpid()) == 0, "F_SETOWN: %m");
  out_of_band(unread, "abc", 'X', "def");
  check(urgencies == 1, "%d signals", urgencies);
  out_of_band(taken, "abc", 'Y', "def");
  takes(taken.server, 'Y');
  set(inlined.server, SOL_SOCKET, SO_OOBINLINE, 1);
  out_of_band(inlined, "ab", 'Z', "cd");
  out_of_band(alone, "", 'W', "");
  set(far.client, SOL_SOCKET, SO_SNDBUF, 1 << 20);
  long much = fill(far.client, MUCH) - 4096;
  drain(far.server, 4096);
  set(far.client, SOL_SOCKET, SO_SNDBUF, 2 << 20);
  out_of_band(far, "", 'Q', "tail");

  ready("urgent");

  check(urgencies == 1, "%d signals", urgencies);
  at_mark(unread.server, 0);
  reads(unread.server, "abc");
  at_mark(unread.server, 1);
  takes(unread.server, 'X');
  reads(unread.server, "def");
  at_mark(unread.server, 0);
  reads(taken.server, "abc");
  char byte;
  check(recv(taken.server, &byte, 1, MSG_OOB) < 0 && errno == EINVAL, "taken twice: %m");
  reads(taken.server, "def");
  reads(inlined.server, "ab");
  at_mark(inlined.server, 1);
  reads(inlined.server, "Zcd");
  has(inlined.server, SOL_SOCKET, SO_OOBINLINE, 1);
  at_mark(alone.server, 1);
  takes(alone.server, 'W');
  silent(alone.server);
  char chunk[4096];
  for (long at = 0; at < much;) {
    struct pollfd ready = {far.server, POLLIN, 0};
    check(poll(&ready, 1, 10000) == 1, "nothing more after %ld of %ld", at, much);
    ssize_t got = recv(far.server, chunk, sizeof chunk, 0);
    check(got > 0 && at + got <= much, "recv after %ld of %ld: %zd %m", at, much, got);
    at += got;
  }
  at_mark(far.server, 1);
  takes(far.server, 'Q');
  check(recv(far.server, chunk, 4, MSG_WAITALL) == 4 && memcmp(chunk, "tail", 4) == 0, "tail: %m");
  talk(far.client, far.server, "on");
  talk(unread.server, unread.client, "backwards");
}

int main(void) {
  victim_start();
  int four = listener(AF_INET, 1), six = listener(AF_INET6, 0);
  int fresh = tcp(AF_INET), bound = tcp(AF_INET6);
  address at = loopback(AF_INET6);
  check(bind(bound, &at.any, sizeof at) == 0, "bind: %m");
  address four_at = name(four, getsockname), bound_at = name(bound, getsockname), fresh_at = name(fresh, getsockname);

  pair busy = joined(four), v6 = joined(six), idle = joined(four);
  int waiting = connected(four);
  address waiting_at = name(waiting, getsockname), busy_at = name(busy.client, getsockname);

  // Full in both directions: unread, unacknowledged and unsent bytes.
  set(busy.server, SOL_SOCKET, SO_SNDBUF, 200000);
  set(busy.server, IPPROTO_TCP, TCP_NODELAY, 1);
  set(busy.client, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(busy.client, IPPROTO_TCP, TCP_KEEPIDLE, 77);
  set(busy.client, IPPROTO_TCP, TCP_USER_TIMEOUT, 54321);
  check(setsockopt(busy.client, IPPROTO_TCP, TCP_CONGESTION, "reno", 4) == 0, "TCP_CONGESTION: %m");
  set(busy.client, IPPROTO_IP, IP_TOS, 0x10);
  long down = fill(busy.server, MUCH), up = fill(busy.client, MUCH);
  talk(v6.client, v6.server, "before");
  long little = fill(v6.server, 1000);
  check(fcntl(v6.client, F_SETFL, O_NONBLOCK) == 0, "fcntl: %m");

  ready("connected");

  check_closed(fresh, AF_INET, &fresh_at);
  check_closed(bound, AF_INET6, &bound_at);
  same(&four_at, name(four, getsockname));
  same(&busy_at, name(busy.client, getsockname));
  same(&busy_at, name(busy.server, getpeername));
  has(four, SOL_SOCKET, SO_ACCEPTCONN, 1);
  has(four, SOL_SOCKET, SO_REUSEADDR, 1);
  has(six, SOL_SOCKET, SO_REUSEADDR, 0);
  has(busy.server, SOL_SOCKET, SO_REUSEADDR, 1);
  has(v6.server, SOL_SOCKET, SO_REUSEADDR, 0);
  has(busy.server, SOL_SOCKET, SO_SNDBUF, 400000);
  has(busy.server, SOL_SOCKET, 72, 1);
  has(busy.client, SOL_SOCKET, 72, 0);
  has(busy.server, IPPROTO_TCP, TCP_NODELAY, 1);
  has(busy.client, SOL_SOCKET, SO_KEEPALIVE, 1);
  has(busy.client, IPPROTO_TCP, TCP_KEEPIDLE, 77);
  has(busy.client, IPPROTO_TCP, TCP_USER_TIMEOUT, 54321);
  has(busy.client, IPPROTO_IP, IP_TOS, 0x10);
  char control[16] = "";
  check(getsockopt(busy.client, IPPROTO_TCP, TCP_CONGESTION, control, &(socklen_t){16}) == 0
      && strcmp(control, "reno") == 0, "congestion control %s", control);
  struct tcp_info info;
  check(getsockopt(four, IPPROTO_TCP, TCP_INFO, &info, &(socklen_t){sizeof info}) == 0 && info.tcpi_sacked == 7,
      "backlog %u", info.tcpi_sacked);
  check(fcntl(v6.client, F_GETFL) == (O_RDWR | O_NONBLOCK), "flags");
  drain(busy.client, down);
  drain(busy.server, up);
  silent(busy.client);
  silent(busy.server);
  drain(v6.client, little);
  silent(v6.client);
  check(fcntl(v6.client, F_SETFL, 0) == 0, "fcntl: %m");
  talk(busy.client, busy.server, "up");
  talk(busy.server, busy.client, "down");
  talk(v6.client, v6.server, "up");
  talk(idle.server, idle.client, "idle");
  // The one that waited is accepted now.
  int accepted = accept(four, NULL, NULL);
  check(accepted >= 0, "accept: %m");
  same(&waiting_at, name(accepted, getpeername));
  talk(waiting, accepted, "accepted");
  pair later = joined(six);
  talk(later.client, later.server, "later");

  // Half closed in all ways, the rest still on its way.
  pair client_done = joined(four), server_done = joined(six), stuffed = joined(four), gone = joined(four);
  pair deaf = joined(six), corked = joined(four);
  long half = fill(client_done.client, 5000);
  check(shutdown(client_done.client, SHUT_WR) == 0, "shutdown: %m");
  check(shutdown(server_done.server, SHUT_WR) == 0, "shutdown: %m");
  long stuff = fill(stuffed.server, MUCH);
  check(shutdown(stuffed.server, SHUT_WR) == 0, "shutdown: %m"); // its FIN is behind bytes not sent yet
  long last = fill(gone.client, 3000);
  close(gone.client);
  check(shutdown(deaf.client, SHUT_RD) == 0, "shutdown: %m");
  set(corked.client, IPPROTO_TCP, TCP_CORK, 1);
  check(fill(corked.client, 10) == 10, "fill");

  // Over: one orderly, one by a reset that nobody has read.
  pair over = joined(six), reset = joined(four);
  long rest = fill(over.server, 2000), torn = fill(reset.server, 700);
  check(shutdown(over.client, SHUT_WR) == 0, "shutdown: %m");
  close(over.server);
  struct linger at_once = {1, 0};
  check(setsockopt(reset.server, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0, "SO_LINGER: %m");
  close(reset.server);
  set(over.client, IPPROTO_TCP, TCP_NODELAY, 1);

  ready("half-closed");

  drain(over.client, rest);
  ends(over.client);
  has(over.client, IPPROTO_TCP, TCP_NODELAY, 1);
  has(over.client, SOL_SOCKET, SO_ERROR, 0);
  check(getpeername(over.client, &at.any, &(socklen_t){sizeof at}) < 0 && errno == ENOTCONN, "getpeername: %m");
  drain(reset.client, torn);
  check(recv(reset.client, control, 1, 0) < 0 && errno == ECONNRESET, "no reset: %m");
  ends(reset.client);

  drain(client_done.server, half);
  ends(client_done.server);
  talk(client_done.server, client_done.client, "backwards");
  ends(server_done.client);
  talk(server_done.client, server_done.server, "backwards");
  drain(stuffed.client, stuff);
  ends(stuffed.client);
  talk(stuffed.client, stuffed.server, "backwards");
  drain(gone.server, last);
  ends(gone.server);
  check(recv(deaf.client, control, 1, 0) == 0, "not deaf: %m");
  talk(deaf.client, deaf.server, "mute");
  int ahead = 0;
  check(get(corked.client, IPPROTO_TCP, TCP_CORK) == 1, "TCP_CORK");
  check(ioctl(corked.client, TIOCOUTQ, &ahead) == 0, "TIOCOUTQ: %m");
  set(corked.client, IPPROTO_TCP, TCP_CORK, 0);
  drain(corked.server, 10);

  unaccepted();
  urgent();
  pass();
}

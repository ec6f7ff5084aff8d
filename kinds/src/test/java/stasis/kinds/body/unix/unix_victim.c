// Unix sockets and what is between them: pairs of every type, half closed and hung up; a listener with accepted and
// waiting connections; datagrams from several senders, their order and boundaries; descriptors and credentials in
// flight; names of every sort.
#include "victim.h"
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static char folder[64] = "/tmp/stasis-unix-XXXXXX";

static socklen_t address(struct sockaddr_un *to, const char *name) {
  memset(to, 0, sizeof *to);
  to->sun_family = AF_UNIX;
  if (name[0] == '@') {
    int n = snprintf(to->sun_path + 1, sizeof to->sun_path - 1, "%s.%d", name + 1, (int)getpid());
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
  }
  if (name[0] == '.')
    snprintf(to->sun_path, sizeof to->sun_path, "%s", name + 2);
  else
    snprintf(to->sun_path, sizeof to->sun_path, "%s/%s", folder, name);
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(to->sun_path) + 1);
}

static int named(int type, const char *name) {
  struct sockaddr_un a;
  socklen_t n = address(&a, name);
  int s = socket(AF_UNIX, type, 0);
  check(s >= 0 && bind(s, (struct sockaddr *)&a, n) == 0, "bind %s: %m", name);
  return s;
}

static void to(int s, const char *name) {
  struct sockaddr_un a;
  socklen_t n = address(&a, name);
  check(connect(s, (struct sockaddr *)&a, n) == 0, "connect %s: %m", name);
}

static void is_named(int s, int peer, const char *name) {
  struct sockaddr_un want, got;
  socklen_t n = name ? address(&want, name) : 2, m = sizeof got;
  memset(&got, 0, sizeof got);
  check((peer ? getpeername : getsockname)(s, (struct sockaddr *)&got, &m) == 0, "name of %d: %m", s);
  check(m == n && (n == 2 || memcmp(&want, &got, n) == 0), "fd %d is called %d bytes %s, not %s", s, (int)m,
        got.sun_path[0] ? got.sun_path : got.sun_path + 1, name ? name : "nothing");
}

static void says(int s, const char *text) {
  char buffer[256] = {0};
  ssize_t n = recv(s, buffer, sizeof buffer, MSG_DONTWAIT);
  check(n == (ssize_t)strlen(text) && memcmp(buffer, text, (size_t)n) == 0, "fd %d: %zd '%s' for '%s': %m", s, n,
        buffer, text);
}

static void says_from(int s, const char *text, const char *from) {
  char buffer[256] = {0};
  struct sockaddr_un want, got;
  socklen_t n = from ? address(&want, from) : 0, m = sizeof got;
  ssize_t length = recvfrom(s, buffer, sizeof buffer, MSG_DONTWAIT, (struct sockaddr *)&got, &m);
  check(length == (ssize_t)strlen(text) && memcmp(buffer, text, strlen(text)) == 0, "'%s' for '%s'", buffer, text);
  check(m == n && (n == 0 || memcmp(&want, &got, n) == 0), "'%s' came from %d bytes", text, (int)m);
}

static void silent(int s) {
  char c;
  check(recv(s, &c, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN, "fd %d is not empty: %m", s);
}

static void talk(int a, int b) {
  check(send(a, "over", 4, MSG_NOSIGNAL) == 4, "send: %m");
  says(b, "over");
  check(send(b, "back", 4, MSG_NOSIGNAL) == 4, "send: %m");
  says(a, "back");
}

static void pass_files(int s, const char *text, const int *fds, int count) {
  char control[CMSG_SPACE(4 * 16)] = {0};
  struct iovec iov = {(void *)text, strlen(text)};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};
  m.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
  memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)count);
  check(sendmsg(s, &m, 0) == (ssize_t)strlen(text), "sendmsg: %m");
}

// How many descriptors came, and how many bytes.
static int take_files(int s, int *fds, char *text, ssize_t *length, struct ucred *from) {
  char control[512] = {0};
  struct iovec iov = {text, 200};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  *length = recvmsg(s, &m, MSG_DONTWAIT);
  int count = 0;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
    if (c->cmsg_type == SCM_RIGHTS) {
      count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
      memcpy(fds, CMSG_DATA(c), sizeof(int) * (size_t)count);
    }
    if (c->cmsg_type == SCM_CREDENTIALS && from) memcpy(from, CMSG_DATA(c), sizeof *from);
  }
  return count;
}

static int pair[3][2];

static void pairs(void) {
  int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
  for (int i = 0; i < 3; i++) {
    check(socketpair(AF_UNIX, types[i], 0, pair[i]) == 0, "socketpair: %m");
    check(send(pair[i][0], "one", 3, 0) == 3 && send(pair[i][0], "twelve", 6, 0) == 6, "send: %m");
    check(send(pair[i][1], "back", 4, 0) == 4, "send: %m");
  }
  check(send(pair[1][0], "", 0, 0) == 0 && send(pair[1][0], "end", 3, 0) == 3, "send nothing: %m");
  ready("pairs");
  says(pair[0][1], "onetwelve");
  for (int i = 1; i < 3; i++) {
    says(pair[i][1], "one");
    says(pair[i][1], "twelve");
  }
  says(pair[1][1], "");
  says(pair[1][1], "end");
  for (int i = 0; i < 3; i++) {
    says(pair[i][0], "back");
    silent(pair[i][0]);
    silent(pair[i][1]);
    talk(pair[i][0], pair[i][1]);
    struct ucred who;
    socklen_t n = sizeof who;
    check(getsockopt(pair[i][0], SOL_SOCKET, SO_PEERCRED, &who, &n) == 0, "SO_PEERCRED: %m");
    check(who.pid == getpid() && who.uid == geteuid() && who.gid == getegid(), "peer is %d %d %d", who.pid, who.uid,
          who.gid);
  }
}

// A stream full to the brim, a half-closed pair, and two whose peer hung up (one before it had read everything).
static void ends(void) {
  int full[2], half[2], hung[2], reset[2];
  check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, full) == 0, "socketpair: %m");
  static char block[4096];
  long sent = 0;
  for (ssize_t n; (n = write(full[0], block, sizeof block)) > 0;) {
    sent += n;
    block[0]++;
  }
  check(errno == EAGAIN, "write: %m");
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, half) == 0 && write(half[0], "last", 4) == 4, "half: %m");
  check(shutdown(half[0], SHUT_WR) == 0, "shutdown: %m");
  check(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, hung) == 0 && write(hung[0], "bye", 3) == 3, "hung: %m");
  close(hung[0]);
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, reset) == 0 && write(reset[1], "unread", 6) == 6, "reset: %m");
  close(reset[0]);
  ready("ends");
  long got = 0;
  char turn = 0;
  for (ssize_t n; got < sent && (n = read(full[1], block, sizeof block)) > 0; got += n, turn++)
    check(n == sizeof block && block[0] == turn, "block %d is %d", turn, block[0]);
  check(got == sent, "%ld of %ld bytes", got, sent);
  says(half[1], "last");
  char c;
  check(recv(half[1], &c, 1, MSG_DONTWAIT) == 0, "no end of file: %m");
  check(send(half[0], "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE, "it may send: %m");
  check(write(half[1], "on", 2) == 2, "the other way: %m");
  says(half[0], "on");
  says(hung[1], "bye");
  check(recv(hung[1], &c, 1, MSG_DONTWAIT) == 0, "not hung up: %m");
  check(send(hung[1], "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE, "it may send: %m");
  check(recv(reset[1], &c, 1, MSG_DONTWAIT) == -1 && errno == ECONNRESET, "not reset: %m");
  check(recv(reset[1], &c, 1, MSG_DONTWAIT) == 0, "still an error: %m");
}

static void servers(const char *name) {
  struct stat before, after;
  int path = name[0] != '@';
  int server = named(SOCK_STREAM, name);
  struct sockaddr_un a;
  address(&a, name);
  check(listen(server, 5) == 0, "listen: %m");
  if (path) check(chmod(a.sun_path, 0640) == 0 && stat(a.sun_path, &before) == 0, "%s: %m", a.sun_path);
  int c1 = socket(AF_UNIX, SOCK_STREAM, 0), c2 = named(SOCK_STREAM, "@client");
  to(c1, name);
  int a1 = accept(server, NULL, NULL);
  to(c2, name);
  int a2 = accept4(server, NULL, NULL, SOCK_NONBLOCK);
  check(write(c2, "hello", 5) == 5, "write: %m");
  int w1 = socket(AF_UNIX, SOCK_STREAM, 0), w2 = socket(AF_UNIX, SOCK_STREAM, 0);
  to(w1, name);
  to(w2, name);
  check(shutdown(w2, SHUT_WR) == 0, "shutdown: %m");
  ready(path ? "server-path" : "server-abstract");
  is_named(server, 0, name);
  is_named(a1, 0, name);
  is_named(c1, 1, name);
  is_named(c1, 0, NULL);
  is_named(a2, 1, "@client");
  is_named(c2, 0, "@client");
  says(a2, "hello");
  talk(c1, a1);
  talk(c2, a2);
  check(fcntl(a2, F_GETFL) & O_NONBLOCK, "blocks");
  int b1 = accept(server, NULL, NULL), b2 = accept(server, NULL, NULL);
  check(b1 >= 0 && b2 >= 0, "accept: %m");
  talk(w1, b1);
  char c;
  check(recv(b2, &c, 1, MSG_DONTWAIT) == 0, "no end of file: %m");
  int later = socket(AF_UNIX, SOCK_STREAM, 0);
  to(later, name);
  int b3 = accept(server, NULL, NULL);
  talk(later, b3);
  if (path) {
    check(stat(a.sun_path, &after) == 0, "%s: %m", a.sun_path);
    check(after.st_mode == before.st_mode && after.st_uid == before.st_uid, "mode %o", after.st_mode);
    unlink(a.sun_path);
  }
  // The backlog is as before: so many may wait, and one more.
  for (int i = 0; i <= 6; i++) {
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (path) break;
    socklen_t n = address(&a, name);
    int r = connect(s, (struct sockaddr *)&a, n);
    check(i < 6 ? r == 0 : r == -1 && errno == EAGAIN, "connection %d: %d %m", i, r);
  }
  for (int fd = server; fd < server + 20; fd++) close(fd);
}

// A listener that is gone: its name lives on in its connections. And two generations of one path.
static void gone(void) {
  int old = named(SOCK_SEQPACKET, "gone"), c = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  check(listen(old, 3) == 0, "listen: %m");
  to(c, "gone");
  int a = accept(old, NULL, NULL);
  close(old);
  struct sockaddr_un path;
  address(&path, "gone");
  unlink(path.sun_path);
  int d1 = named(SOCK_DGRAM, "generation"), s1 = socket(AF_UNIX, SOCK_DGRAM, 0);
  to(s1, "generation");
  struct sockaddr_un gen;
  address(&gen, "generation");
  unlink(gen.sun_path);
  int d2 = named(SOCK_DGRAM, "generation"), s2 = socket(AF_UNIX, SOCK_DGRAM, 0);
  to(s2, "generation");
  int moved = named(SOCK_DGRAM, "before");
  struct sockaddr_un from, dest;
  address(&from, "before");
  address(&dest, "after");
  check(rename(from.sun_path, dest.sun_path) == 0, "rename: %m");
  char home[4096];
  check(getcwd(home, sizeof home) && chdir(folder) == 0, "chdir: %m");
  int relative = named(SOCK_DGRAM, "./relative");
  check(chdir(home) == 0, "chdir: %m");
  struct sockaddr_un automatic = {.sun_family = AF_UNIX}, again;
  int chosen = socket(AF_UNIX, SOCK_DGRAM, 0);
  socklen_t n = sizeof automatic, m = sizeof again;
  check(bind(chosen, (struct sockaddr *)&automatic, 2) == 0, "autobind: %m");
  getsockname(chosen, (struct sockaddr *)&automatic, &n);
  ready("names");
  is_named(a, 0, "gone");
  is_named(c, 1, "gone");
  talk(c, a);
  check(access(path.sun_path, F_OK) == -1, "%s is back", path.sun_path);
  check(send(s1, "first", 5, 0) == 5 && send(s2, "second", 6, 0) == 6, "send: %m");
  says(d1, "first");
  says(d2, "second");
  is_named(d1, 0, "generation");
  is_named(moved, 0, "before");
  check(access(from.sun_path, F_OK) == -1 && access(dest.sun_path, F_OK) == 0, "not moved");
  int s3 = socket(AF_UNIX, SOCK_DGRAM, 0);
  to(s3, "after");
  check(send(s3, "moved", 5, 0) == 5, "send: %m");
  says(moved, "moved");
  is_named(relative, 0, "./relative");
  check(access("relative", F_OK) == -1, "made in the wrong place");
  struct sockaddr_un in;
  address(&in, "relative");
  check(access(in.sun_path, F_OK) == 0, "not made");
  check(getsockname(chosen, (struct sockaddr *)&again, &m) == 0 && n == m && !memcmp(&again, &automatic, n), "autobind");
  unlink(gen.sun_path);
  unlink(dest.sun_path);
  unlink(in.sun_path);
  for (int fd = a; fd < a + 20; fd++) close(fd);
}

// A server with named, unnamed and vanished senders, connected itself after that; a dead peer.
static void datagrams(void) {
  int server = named(SOCK_DGRAM, "@server"), one = named(SOCK_DGRAM, "@one"), two = socket(AF_UNIX, SOCK_DGRAM, 0);
  int three = named(SOCK_DGRAM, "@three"), nameless = socket(AF_UNIX, SOCK_DGRAM, 0);
  to(one, "@server");
  to(two, "@server");
  to(three, "@server");
  to(nameless, "@server");
  check(send(one, "one", 3, 0) == 3 && send(nameless, "nameless", 8, 0) == 8, "send: %m");
  check(send(three, "three", 5, 0) == 5 && send(one, "", 0, 0) == 0 && send(one, "one more", 8, 0) == 8, "send: %m");
  close(three);
  close(nameless);
  to(server, "@one");
  int dead = named(SOCK_DGRAM, "@dead"), mourner = socket(AF_UNIX, SOCK_DGRAM, 0);
  to(mourner, "@dead");
  close(dead);
  ready("datagrams");
  is_named(server, 1, "@one");
  is_named(one, 1, "@server");
  is_named(mourner, 1, "@dead");
  says_from(server, "one", "@one");
  says_from(server, "nameless", NULL);
  says_from(server, "three", "@three");
  says_from(server, "", "@one");
  says_from(server, "one more", "@one");
  silent(server);
  talk(one, server);
  check(send(two, "x", 1, 0) == -1 && errno == EPERM, "a stranger may send: %m");
  check(send(mourner, "x", 1, 0) == -1 && errno == ECONNREFUSED, "the dead hears: %m");
  for (int fd = server; fd < server + 8; fd++) close(fd);
}

// Descriptors in flight: one held elsewhere too, one nowhere else, a socket with another in it, one in itself.
static void flight(void) {
  int line[2], packets[2], inner[2], deep[2], pipes[2];
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, line) == 0 && socketpair(AF_UNIX, SOCK_DGRAM, 0, packets) == 0
            && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, inner) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, deep) == 0
            && pipe(pipes) == 0, "sockets: %m");
  int held = open("/dev/null", O_RDONLY), only = open("/proc/self/maps", O_RDONLY);
  check(write(line[0], "plain ", 6) == 6, "write: %m");
  pass_files(line[0], "held", &held, 1);
  check(write(line[0], " between ", 9) == 9, "write: %m");
  int both[2] = {only, pipes[0]};
  pass_files(line[0], "two", both, 2);
  check(write(line[0], " after", 6) == 6 && write(pipes[1], "piped", 5) == 5, "write: %m");
  pass_files(deep[0], "deep", &held, 1);
  pass_files(inner[0], "in", &deep[1], 1);
  pass_files(packets[0], "sockets", &inner[1], 1);
  pass_files(packets[0], "itself", &packets[1], 1);
  check(send(packets[0], "last", 4, 0) == 4, "send: %m");
  close(only);
  close(pipes[0]);
  close(inner[1]);
  close(deep[1]);
  ready("flight");
  int fds[16];
  char text[201] = {0};
  ssize_t n;
  check(read(line[1], text, 6) == 6 && memcmp(text, "plain ", 6) == 0, "read %s", text);
  check(take_files(line[1], fds, text, &n, NULL) == 1 && n == 4, "%zd bytes", n);
  check(syscall(SYS_kcmp, getpid(), getpid(), 0, fds[0], held) == 0, "another description");
  close(fds[0]);
  check(read(line[1], text, 9) == 9 && memcmp(text, " between ", 9) == 0, "read %s", text);
  check(take_files(line[1], fds, text, &n, NULL) == 2 && n == 3, "%zd bytes", n);
  check(read(fds[0], text, 10) == 10 && read(fds[1], text, 5) == 5 && memcmp(text, "piped", 5) == 0, "files");
  close(fds[0]);
  close(fds[1]);
  says(line[1], " after");
  check(take_files(packets[1], fds, text, &n, NULL) == 1 && n == 7, "%zd bytes", n);
  int got = fds[0];
  check(take_files(got, fds, text, &n, NULL) == 1 && n == 2, "%zd bytes", n);
  int deeper = fds[0];
  check(take_files(deeper, fds, text, &n, NULL) == 1 && n == 4, "%zd bytes", n);
  check(syscall(SYS_kcmp, getpid(), getpid(), 0, fds[0], held) == 0, "another description");
  talk(deeper, deep[0]);
  talk(got, inner[0]);
  check(take_files(packets[1], fds, text, &n, NULL) == 1 && n == 6, "%zd bytes", n);
  check(syscall(SYS_kcmp, getpid(), getpid(), 0, fds[0], packets[1]) == 0, "another description");
  says(packets[1], "last");
  for (int fd = line[0]; fd < line[0] + 20; fd++) close(fd);
}

static void credentials(void) {
  int line[2], packets[2], yes = 1;
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, line) == 0 && socketpair(AF_UNIX, SOCK_DGRAM, 0, packets) == 0, "%m");
  setsockopt(line[1], SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
  setsockopt(packets[1], SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
  check(write(line[0], "mine", 4) == 4 && write(packets[0], "mine", 4) == 4, "write: %m");
  struct ucred other = {getpid(), geteuid() ? geteuid() : 12, getegid() ? getegid() : 34};
  char control[CMSG_SPACE(sizeof other)] = {0};
  struct iovec iov = {"other", 5};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_CREDENTIALS;
  c->cmsg_len = CMSG_LEN(sizeof other);
  memcpy(CMSG_DATA(c), &other, sizeof other);
  check(sendmsg(line[0], &m, 0) == 5 && sendmsg(packets[0], &m, 0) == 5, "sendmsg: %m");
  ready("credentials");
  for (int i = 0; i < 4; i++) {
    struct ucred from = {0, 77, 77};
    int fds[4];
    char text[201] = {0};
    ssize_t n;
    take_files(i < 2 ? line[1] : packets[1], fds, text, &n, &from);
    check(strcmp(text, i % 2 ? "other" : "mine") == 0, "'%s'", text);
    struct ucred mine = {getpid(), getuid(), getgid()};
    check(memcmp(&from, i % 2 ? &other : &mine, sizeof from) == 0, "%s from %d %d %d", text, from.pid, from.uid,
          from.gid);
  }
  silent(line[1]);
  silent(packets[1]);
}

int main(void) {
  victim_start();
  check(mkdtemp(folder) != NULL, "mkdtemp: %m");
  pairs();
  ends();
  servers("server");
  servers("@abstract");
  gone();
  datagrams();
  flight();
  credentials();
  rmdir(folder);
  pass();
}

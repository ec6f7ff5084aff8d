// Unix sockets between processes: a server whose workers share its listener, a pair across a fork, a descriptor on its
// way to a child, credentials of a child on their way, and a parent and child that talk through names.
#include "victim.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static socklen_t name(struct sockaddr_un *a, const char *text) {
  memset(a, 0, sizeof *a);
  a->sun_family = AF_UNIX;
  int n = snprintf(a->sun_path + 1, sizeof a->sun_path - 1, "tree-unix-%s", text);
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

static int client(const char *text) {
  struct sockaddr_un a;
  socklen_t n = name(&a, text);
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  check(connect(s, (struct sockaddr *)&a, n) == 0, "connect: %m");
  return s;
}

static void pass_file(int s, int fd) {
  char control[CMSG_SPACE(sizeof fd)] = {0};
  struct iovec iov = {"f", 1};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(c), &fd, sizeof fd);
  check(sendmsg(s, &m, 0) == 1, "sendmsg: %m");
}

static int take(int s, struct ucred *who, char *text) {
  char control[256] = {0};
  struct iovec iov = {text, 64};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t n = recvmsg(s, &m, 0);
  check(n > 0, "recvmsg: %zd %m", n);
  text[n] = 0;
  int fd = -1;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
    if (c->cmsg_type == SCM_RIGHTS) memcpy(&fd, CMSG_DATA(c), sizeof fd);
    if (c->cmsg_type == SCM_CREDENTIALS) memcpy(who, CMSG_DATA(c), sizeof *who);
  }
  return fd;
}

// Serves whoever connects: answers what it was sent, until told to end.
static void worker(int listener) {
  for (;;) {
    int s = accept(listener, NULL, NULL);
    check(s >= 0, "accept: %m");
    char text[65];
    ssize_t n;
    while ((n = read(s, text, 64)) > 0) {
      if (text[0] == 'q') _exit(0);
      check(write(s, text, (size_t)n) == n, "write: %m");
    }
    close(s);
  }
}

static void ask(int s, const char *text) {
  char answer[65] = {0};
  check(write(s, text, strlen(text)) == (ssize_t)strlen(text), "write: %m");
  check(read(s, answer, 64) == (ssize_t)strlen(text) && strcmp(text, answer) == 0, "'%s' for '%s': %m", answer, text);
}

int main(void) {
  victim_start();
  char of[32];
  snprintf(of, sizeof of, "%d", getpid());
  struct sockaddr_un a;
  socklen_t n = name(&a, of);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0), talk[2], yes = 1;
  check(bind(listener, (struct sockaddr *)&a, n) == 0 && listen(listener, 8) == 0, "listen: %m");
  check(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, talk) == 0, "socketpair: %m");
  check(setsockopt(talk[0], SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) == 0, "%m");
  pid_t workers[2];
  for (int i = 0; i < 2; i++)
    if ((workers[i] = fork()) == 0) {
      close(talk[0]);
      close(talk[1]);
      worker(listener);
    }
  close(listener);
  int first = client(of), second = client(of);
  ask(first, "one");
  ask(second, "two");
  int waiting = client(of);
  int pipes[2];
  check(pipe(pipes) == 0 && write(pipes[1], "through", 7) == 7, "pipe: %m");
  pid_t child = fork();
  if (child == 0) {
    close(talk[0]);
    close(pipes[0]);
    close(pipes[1]);
    check(write(talk[1], "from the child", 14) == 14, "write: %m");
    ready_wait("talking");
    char text[65];
    int fd = take(talk[1], NULL, text);
    check(fd >= 0 && read(fd, text, 64) == 7 && memcmp(text, "through", 7) == 0, "the pipe: %m");
    ask(first, "shared");
    _exit(0);
  }
  close(talk[1]);
  pass_file(talk[0], pipes[0]);
  close(pipes[0]);
  usleep(50000);
  ready("talking");
  struct ucred who = {0};
  char text[65];
  take(talk[0], &who, text);
  check(strcmp(text, "from the child") == 0 && who.pid == child && who.uid == getuid(), "'%s' from %d", text, who.pid);
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "child %x", status);
  ask(first, "again");
  close(second);
  ask(waiting, "waited");
  check(write(first, "q", 1) == 1 && write(waiting, "q", 1) == 1, "write: %m");
  for (int i = 0; i < 2; i++)
    check(waitpid(workers[i], &status, 0) == workers[i] && status == 0, "worker %x", status);
  pass();
}

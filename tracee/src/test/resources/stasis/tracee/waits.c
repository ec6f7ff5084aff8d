// Each thread waits once, in a call that a stop may betray with EINTR, and tells how that ended. argv[1]: where to.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int out;
static struct timespec limit = {1, 200000000};

static void tell(const char *what, long result, long wanted, int wanted_errno) {
  int error = errno;
  if (result == wanted && (result >= 0 || error == wanted_errno)) dprintf(out, "%s ok\n", what);
  else dprintf(out, "%s gave %ld, %s\n", what, result, strerror(error));
}

static int timed_socket(void) {
  int pair[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  struct timeval t = {1, 200000};
  setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  return pair[0];
}

static void *in_epoll_wait(void *unused) {
  struct epoll_event event;
  tell("epoll_wait", epoll_wait(epoll_create1(0), &event, 1, 1200), 0, 0);
  return NULL;
}
static void *in_epoll_pwait(void *unused) {
  struct epoll_event event;
  sigset_t none;
  sigemptyset(&none);
  tell("epoll_pwait", epoll_pwait(epoll_create1(0), &event, 1, 1200, &none), 0, 0);
  return NULL;
}
static void *in_sigtimedwait(void *unused) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  tell("sigtimedwait", sigtimedwait(&set, NULL, &limit), -1, EAGAIN);
  return NULL;
}
static void *in_semtimedop(void *unused) {
  int id = semget(IPC_PRIVATE, 1, 0600);
  struct sembuf take = {0, -1, 0};
  long r = semtimedop(id, &take, 1, &limit);
  int error = errno;
  semctl(id, 0, IPC_RMID);
  errno = error;
  tell("semtimedop", r, -1, EAGAIN);
  return NULL;
}
static void *in_recv(void *unused) {
  char c;
  tell("recv", recv(timed_socket(), &c, 1, 0), -1, EAGAIN);
  return NULL;
}
static void *in_read(void *unused) {
  char c;
  tell("read of a socket", read(timed_socket(), &c, 1), -1, EAGAIN);
  return NULL;
}
static void *in_accept(void *unused) {
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un any = {AF_UNIX};
  struct timeval t = {1, 200000};
  bind(s, (struct sockaddr *)&any, sizeof(sa_family_t));
  listen(s, 1);
  setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  tell("accept", accept(s, NULL, NULL), -1, EAGAIN);
  return NULL;
}
static void *in_io_getevents(void *unused) {
  aio_context_t context = 0;
  struct io_event event;
  syscall(SYS_io_setup, 1, &context);
  tell("io_getevents", syscall(SYS_io_getevents, context, 1, 1, &event, &limit), 0, 0);
  return NULL;
}
static void *in_poll(void *unused) {
  tell("poll", poll(NULL, 0, 1200), 0, 0);
  return NULL;
}
static void *in_select(void *unused) {
  struct timeval t = {1, 200000};
  tell("select", select(0, NULL, NULL, NULL, &t), 0, 0);
  return NULL;
}
static void *in_nanosleep(void *unused) {
  tell("nanosleep", nanosleep(&limit, NULL), 0, 0);
  return NULL;
}

int main(int argc, char **argv) {
  out = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0600);
  void *(*waits[])(void *) = {in_epoll_wait, in_epoll_pwait, in_sigtimedwait, in_semtimedop, in_recv, in_read,
                              in_accept, in_io_getevents, in_poll, in_select, in_nanosleep};
  pthread_t thread;
  for (int i = 0; i < 11; i++) pthread_create(&thread, NULL, waits[i], NULL);
  for (;;) sleep(1000);
}

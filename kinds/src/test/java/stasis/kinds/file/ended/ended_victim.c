// Descriptors of tasks that are gone: of a child that was killed, twice, in two processes, in an epoll and in flight;
// of one that ended with a code, and of a thread.
#include "victim.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif
#define GET_INFO _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, 64)
#define INFO_EXIT 8

static volatile pid_t thread_tid;
static int has_info;

static void *worker(void *unused) {
  thread_tid = (pid_t)syscall(SYS_gettid);
  return unused;
}

static void *lasting(void *unused) {
  thread_tid = (pid_t)syscall(SYS_gettid);
  while (thread_tid) usleep(1000);
  return unused;
}

static int open_pid(pid_t pid, unsigned flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }

static int exit_code(int fd) {
  struct { uint64_t mask, rest[6]; int32_t more, code; } info = {INFO_EXIT, {0}, 0, 0};
  return ioctl(fd, GET_INFO, &info) == 0 && (info.mask & INFO_EXIT) ? info.code : -1;
}

static void is_gone(int fd, const char *what) {
  struct pollfd poll_fd = {fd, POLLIN, 0};
  check(poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLIN), "%s does not poll", what);
  check(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == -1 && errno == ESRCH, "%s: %m", what);
  siginfo_t info;
  check(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) == -1 && (errno == ECHILD || errno == EINVAL), "%s: %m",
      what);
}

static int same(int a, int b) {
  struct stat one, two;
  check(fstat(a, &one) == 0 && fstat(b, &two) == 0, "%m");
  return one.st_ino == two.st_ino && one.st_dev == two.st_dev;
}

int main(void) {
  victim_start();
  pid_t killed = fork();
  if (killed == 0) for (;;) pause();
  pid_t left = fork();
  if (left == 0) {
    for (;;) pause();
  }
  int first = open_pid(killed, 0), second = open_pid(killed, O_NONBLOCK), flying = open_pid(killed, 0);
  int other = open_pid(left, 0);
  check(first >= 0 && second >= 0 && flying >= 0 && other >= 0, "%m");
  check(kill(killed, SIGTERM) == 0 && waitpid(killed, NULL, 0) == killed, "%m");
  check(kill(left, SIGKILL) == 0 && waitpid(left, NULL, 0) == left, "%m");
  pthread_t thread;
  check(pthread_create(&thread, NULL, lasting, NULL) == 0);
  while (!thread_tid) usleep(1000);
  int of_thread = open_pid(thread_tid, PIDFD_THREAD);
  check(of_thread >= 0 || errno == EINVAL, "%m");
  thread_tid = 0;
  pthread_join(thread, NULL);
  check(pthread_create(&thread, NULL, worker, NULL) == 0 && pthread_join(thread, NULL) == 0);
  has_info = exit_code(first) == SIGTERM;
  int told = same(first, second) && !same(first, other);

  int pair[2];
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "%m");
  char byte = 'x', control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &flying, sizeof flying);
  check(sendmsg(pair[0], &message, 0) == 1 && close(flying) == 0, "%m");
  int watch = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = 7};
  check(epoll_ctl(watch, EPOLL_CTL_ADD, first, &event) == 0, "%m");
  pid_t child = fork();
  if (child == 0) {
    ready_wait("gone");
    is_gone(first, "the child's");
    check(!told || same(first, second), "two tasks where one was");
    _exit(0);
  }

  ready("gone");

  is_gone(first, "the first");
  is_gone(second, "the second");
  is_gone(other, "the other");
  if (of_thread >= 0) is_gone(of_thread, "the thread's");
  check((fcntl(second, F_GETFL) & O_NONBLOCK) && !(fcntl(first, F_GETFL) & O_NONBLOCK), "flags");
  check(!told || (same(first, second) && !same(first, other)), "who is who");
  check(!has_info || (exit_code(first) == SIGTERM && exit_code(second) == SIGTERM && exit_code(other) == SIGKILL),
      "ends %x and %x", exit_code(first), exit_code(other));
  check(epoll_wait(watch, &event, 1, 0) == 1 && event.data.u32 == 7, "the epoll");
  message.msg_controllen = sizeof control;
  check(recvmsg(pair[1], &message, 0) == 1, "%m");
  memcpy(&flying, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof flying);
  is_gone(flying, "the one in flight");
  check(!told || same(flying, first), "the one in flight is of another");
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "%x", status);
  check(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "a child is left");
  pass();
}

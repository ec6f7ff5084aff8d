// Descriptors of tasks: of this process, of a child that lives, of one that is dead, and of a thread.
#include "victim.h"
#include <poll.h>
#include <sys/wait.h>

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

static volatile pid_t thread_tid;
static volatile int stop;

static void *worker(void *unused) {
  thread_tid = (pid_t)syscall(SYS_gettid);
  while (!stop) usleep(1000);
  return unused;
}

static int open_pid(pid_t pid, unsigned flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }

static int ended(int fd) {
  struct pollfd poll_fd = {fd, POLLIN, 0};
  return poll(&poll_fd, 1, 0) == 1;
}

int main(void) {
  victim_start();
  pthread_t thread;
  check(pthread_create(&thread, NULL, worker, NULL) == 0);
  while (!thread_tid) usleep(1000);
  pid_t living = fork();
  if (living == 0) {
    ready_wait("open");
    for (;;) pause();
  }
  pid_t dead = fork();
  if (dead == 0) _exit(9);
  siginfo_t info;
  check(waitid(P_PID, dead, &info, WEXITED | WNOWAIT) == 0, "%m");
  int self = open_pid(getpid(), 0), child = open_pid(living, O_NONBLOCK), zombie = open_pid(dead, 0);
  check(self >= 0 && child >= 0 && zombie >= 0, "%m");
  int of_thread = open_pid(thread_tid, PIDFD_THREAD);
  check(of_thread >= 0 || errno == EINVAL, "%m");
  ready("open");
  check(fcntl(self, F_GETFD) == FD_CLOEXEC, "descriptor flags");
  check((fcntl(child, F_GETFL) & O_NONBLOCK) && !(fcntl(self, F_GETFL) & O_NONBLOCK), "flags");
  check(!ended(self) && !ended(child) && ended(zombie), "who has ended");
  check(syscall(SYS_pidfd_send_signal, self, 0, NULL, 0) == 0, "%m");
  check(waitid(P_PIDFD, (id_t)zombie, &info, WEXITED) == 0 && info.si_pid == dead && info.si_status == 9, "%m");
  check(syscall(SYS_pidfd_send_signal, child, SIGKILL, NULL, 0) == 0, "%m");
  memset(&info, 0, sizeof info);
  while (waitid(P_PIDFD, (id_t)child, &info, WEXITED) == -1 && errno == EAGAIN) usleep(1000);
  check(info.si_pid == living && info.si_code == CLD_KILLED && info.si_status == SIGKILL, "%d", info.si_pid);
  if (of_thread >= 0) {
    check(!ended(of_thread), "the thread lives");
    stop = 1;
    pthread_join(thread, NULL);
    check(ended(of_thread), "the thread has ended");
  }
  pass();
}

// Signal-driven I/O: who is told, by which signal, and as whom the one who asked for it acted.
#include "victim.h"

#include <sys/socket.h>
#include <sys/wait.h>

#ifndef F_GETOWNER_UIDS
#define F_GETOWNER_UIDS 17
#endif

static volatile sig_atomic_t told, told_fd;

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)context;
  told = signal;
  told_fd = info->si_fd;
}

int main(void) {
  victim_start();
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  check(sigaction(SIGIO, &action, NULL) == 0 && sigaction(SIGRTMIN + 3, &action, NULL) == 0, "%m");
  int ends[2], pair[2], quiet[2];
  check(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pipe(quiet) == 0, "%m");
  struct f_owner_ex self = {F_OWNER_TID, (pid_t)syscall(SYS_gettid)};
  check(fcntl(ends[0], F_SETOWN_EX, &self) == 0 && fcntl(ends[0], F_SETSIG, SIGRTMIN + 3) == 0, "%m");
  check(fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) | O_ASYNC) == 0, "%m");
  sigset_t io;
  sigemptyset(&io);
  sigaddset(&io, SIGIO);
  sigprocmask(SIG_BLOCK, &io, NULL);
  pid_t child = fork();
  if (child == 0) {
    // In a group of its own, which the parent hands a socket's signals to.
    setpgid(0, 0);
    ready_wait("owned");
    struct timespec bound = {20, 0};
    _exit(sigtimedwait(&io, NULL, &bound) == SIGIO ? 0 : 1);
  }
  setpgid(child, child);
  int as_root = geteuid() == 0;
  check(!as_root || setresuid(0, 7, 0) == 0, "%m");
  check(fcntl(pair[0], F_SETOWN, -child) == 0, "%m");
  check(!as_root || setresuid(0, 0, 0) == 0, "%m");
  check(fcntl(pair[0], F_SETFL, fcntl(pair[0], F_GETFL) | O_ASYNC) == 0, "%m");
  check(fcntl(quiet[0], F_SETOWN, getpid()) == 0, "%m");
  uid_t before[2];
  check(fcntl(pair[0], F_GETOWNER_UIDS, before) == 0, "%m");

  ready("owned");

  struct f_owner_ex owner;
  check(fcntl(ends[0], F_GETOWN_EX, &owner) == 0 && owner.type == F_OWNER_TID && owner.pid == self.pid, "%d", owner.pid);
  check(fcntl(ends[0], F_GETSIG) == SIGRTMIN + 3 && (fcntl(ends[0], F_GETFL) & O_ASYNC), "signal");
  check(fcntl(quiet[0], F_GETOWN) == getpid() && !(fcntl(quiet[0], F_GETFL) & O_ASYNC) && fcntl(quiet[0], F_GETSIG) == 0,
      "the quiet one");
  check(fcntl(pair[0], F_GETOWN_EX, &owner) == 0 && owner.type == F_OWNER_PGRP && owner.pid == child, "%d", owner.pid);
  uid_t after[2];
  check(fcntl(pair[0], F_GETOWNER_UIDS, after) == 0 && after[0] == before[0] && after[1] == before[1], "%u %u", after[0],
      after[1]);
  check(told == 0, "told of nothing: %d", told);
  check(write(quiet[1], "x", 1) == 1 && told == 0, "%d", told);
  check(write(ends[1], "x", 1) == 1 && told == SIGRTMIN + 3 && told_fd == ends[0], "%d %d", told, told_fd);
  check(write(pair[1], "x", 1) == 1, "%m");
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "the group was not told: %x", status);
  pass();
}

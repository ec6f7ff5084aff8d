// Signal descriptors: their masks, and the pending signals that are read through them with sender and value.
#include "victim.h"
#include <poll.h>
#include <sys/signalfd.h>

int main(void) {
  victim_start();
  sigset_t one, two, both;
  sigemptyset(&one);
  sigaddset(&one, SIGUSR2);
  sigemptyset(&two);
  sigaddset(&two, SIGRTMIN + 3);
  sigaddset(&two, SIGHUP);
  sigorset(&both, &one, &two);
  check(sigprocmask(SIG_BLOCK, &both, NULL) == 0);
  int first = signalfd(-1, &one, SFD_CLOEXEC | SFD_NONBLOCK);
  int second = signalfd(-1, &two, 0);
  int twin = dup(second);
  check(first >= 0 && second >= 0 && twin >= 0, "%m");
  check(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 41}) == 0);
  check(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 42}) == 0);
  ready("pending");
  struct signalfd_siginfo info;
  check(read(first, &info, sizeof info) == -1 && errno == EAGAIN, "a signal of the other mask: %m");
  for (int i = 0; i < 2; i++) {
    check(read(i ? twin : second, &info, sizeof info) == sizeof info, "%m");
    check((int)info.ssi_signo == SIGRTMIN + 3 && info.ssi_int == 41 + i, "%d %d", info.ssi_signo, info.ssi_int);
    check((pid_t)info.ssi_pid == getpid() && info.ssi_code == SI_QUEUE, "%d %d", info.ssi_pid, info.ssi_code);
  }
  check(kill(getpid(), SIGUSR2) == 0 && read(first, &info, sizeof info) == sizeof info, "%m");
  check((int)info.ssi_signo == SIGUSR2 && info.ssi_code == SI_USER, "%d", info.ssi_signo);
  check(fcntl(first, F_GETFD) == FD_CLOEXEC && (fcntl(first, F_GETFL) & O_NONBLOCK), "flags");
  // One description: a new mask by one number counts for the other.
  check(signalfd(second, &one, 0) == second);
  check(kill(getpid(), SIGUSR2) == 0);
  struct pollfd ready_now = {twin, POLLIN, 0};
  check(poll(&ready_now, 1, 0) == 1, "the twin has the new mask");
  pass();
}

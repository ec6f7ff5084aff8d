// Signals that wait for the whole group come back with their siginfo and in their order.
#include "victim.h"

static void queue(int signal, int code, int value) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  info.si_signo = signal;
  info.si_code = code;
  info.si_pid = 77;
  info.si_uid = 88;
  info.si_value.sival_int = value;
  check(syscall(SYS_rt_sigqueueinfo, getpid(), signal, &info) == 0, "%m");
}

static void take(int signal, int code, int value) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  siginfo_t info;
  struct timespec none = {0, 0};
  // Not sigtimedwait(3), which shows SI_TKILL as SI_USER.
  check(syscall(SYS_rt_sigtimedwait, &set, &info, &none, 8) == signal, "signal %d: %m", signal);
  check(info.si_code == code && info.si_pid == 77 && info.si_uid == 88 && info.si_value.sival_int == value,
        "signal %d code %d pid %d uid %d value %d", signal, info.si_code, info.si_pid, info.si_uid,
        info.si_value.sival_int);
}

int main(void) {
  victim_start();
  signal(SIGUSR2, SIG_IGN);
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  for (int i = 0; i < 20; i++) queue(SIGRTMIN + 3, SI_QUEUE, i);
  queue(SIGUSR2, SI_USER, 0);
  queue(SIGSEGV, SEGV_MAPERR, 0);
  queue(SIGCHLD, CLD_EXITED, 0);
  queue(SIGALRM, SI_KERNEL, 0);
  queue(SIGRTMIN + 2, SI_TIMER, 3);
  queue(SIGCONT, SI_USER, 0);
  ready("queued");
  for (int i = 0; i < 20; i++) take(SIGRTMIN + 3, SI_QUEUE, i);
  take(SIGUSR2, SI_USER, 0);
  take(SIGSEGV, SEGV_MAPERR, 0);
  take(SIGCHLD, CLD_EXITED, 0);
  take(SIGALRM, SI_KERNEL, 0);
  take(SIGRTMIN + 2, SI_TIMER, 3);
  take(SIGCONT, SI_USER, 0);
  sigset_t left;
  check(sigpending(&left) == 0);
  for (int i = 1; i < 65; i++) check(!sigismember(&left, i), "signal %d is left over", i);
  pass();
}

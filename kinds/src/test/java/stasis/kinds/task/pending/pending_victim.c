// Signals that wait for one thread come back with their siginfo and in their order, ignored ones among them. A fault
// that waits is refused.
#include "victim.h"

static volatile int stage;

static void queue(int signal, int code, int value) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  info.si_signo = signal;
  info.si_code = code;
  info.si_pid = 77;
  info.si_uid = 88;
  info.si_value.sival_int = value;
  check(syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), signal, &info) == 0, "%m");
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

static void *worker(void *unused) {
  (void)unused;
  for (int i = 0; i < 20; i++) queue(SIGRTMIN + 3, SI_QUEUE, i);
  queue(SIGRTMIN + 2, SI_MESGQ, 5);
  queue(SIGUSR2, SI_USER, 0);
  queue(SIGSEGV, SI_USER, 0);
  queue(SIGURG, SI_TKILL, 0);
  stage = 1;
  while (stage != 2) usleep(1000);
  for (int i = 0; i < 20; i++) take(SIGRTMIN + 3, SI_QUEUE, i);
  take(SIGRTMIN + 2, SI_MESGQ, 5);
  take(SIGUSR2, SI_USER, 0);
  take(SIGSEGV, SI_USER, 0);
  take(SIGURG, SI_TKILL, 0);
  sigset_t left;
  check(sigpending(&left) == 0);
  for (int i = 1; i < 65; i++) check(!sigismember(&left, i), "signal %d is left over", i);
  return NULL;
}

int main(void) {
  victim_start();
  signal(SIGURG, SIG_IGN);
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  pthread_t thread;
  check(pthread_create(&thread, NULL, worker, NULL) == 0);
  while (stage != 1) usleep(1000);
  ready("queued");
  sigset_t mine;
  check(sigpending(&mine) == 0);
  for (int i = 1; i < 65; i++) check(!sigismember(&mine, i), "signal %d came to the wrong thread", i);
  stage = 2;
  pthread_join(thread, NULL);
  queue(SIGSEGV, SEGV_MAPERR, 0);
  ready("refused");
  take(SIGSEGV, SEGV_MAPERR, 0);
  pass();
}

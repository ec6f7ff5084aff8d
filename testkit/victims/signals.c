// Mask, pending signals with their values and order, handlers and the alternate stack; waits in rt_sigtimedwait.
#include "victim.h"

static volatile int handled;
static volatile char *handler_stack;

static void handler(int signal, siginfo_t *info, void *context) {
  (void)context;
  char here;
  handler_stack = &here;
  handled = signal * 1000 + info->si_value.sival_int;
}

static void expect(sigset_t *set, int signal, int value) {
  siginfo_t info;
  struct timespec none = {0, 0};
  int got = sigtimedwait(set, &info, &none);
  check(got == signal, "signal %d came instead of %d: %m", got, signal);
  check(info.si_value.sival_int == value, "value %d of signal %d", info.si_value.sival_int, signal);
  check(info.si_pid == getpid() && info.si_code == SI_QUEUE, "pid %d code %d", info.si_pid, info.si_code);
}

int main(void) {
  victim_start();
  victim_take_signal();
  static char other_stack[65536];
  stack_t alternate = {.ss_sp = other_stack, .ss_size = sizeof other_stack};
  check(sigaltstack(&alternate, NULL) == 0, "%m");
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
  sigaddset(&action.sa_mask, SIGALRM);
  check(sigaction(SIGUSR2, &action, NULL) == 0, "%m");
  check(signal(SIGHUP, SIG_IGN) != SIG_ERR, "%m");

  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGRTMIN + 1);
  sigaddset(&blocked, SIGRTMIN + 2);
  check(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0, "%m");
  for (int i = 0; i < 3; i++) check(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 20 + i}) == 0, "%m");
  check(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 10}) == 0, "%m");

  ready_signal("pending");
  expect(&blocked, SIGRTMIN + 1, 10);
  for (int i = 0; i < 3; i++) expect(&blocked, SIGRTMIN + 2, 20 + i);
  struct sigaction found;
  check(sigaction(SIGUSR2, NULL, &found) == 0, "%m");
  check(found.sa_sigaction == handler && (found.sa_flags & SA_ONSTACK), "flags %x", found.sa_flags);
  check(sigismember(&found.sa_mask, SIGALRM) == 1);
  check(sigaction(SIGHUP, NULL, &found) == 0 && found.sa_handler == SIG_IGN, "%m");
  stack_t now;
  check(sigaltstack(NULL, &now) == 0, "%m");
  check(now.ss_sp == other_stack && now.ss_size == sizeof other_stack && now.ss_flags == 0, "flags %x", now.ss_flags);
  check(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 5}) == 0, "%m");
  check(handled == SIGUSR2 * 1000 + 5, "handled %d", handled);
  check(handler_stack > other_stack && handler_stack < other_stack + sizeof other_stack, "%p", (void *)handler_stack);
  sigset_t mask;
  check(sigprocmask(SIG_BLOCK, NULL, &mask) == 0, "%m");
  check(sigismember(&mask, SIGUSR1) == 1 && sigismember(&mask, SIGUSR2) == 0);
  pass();
}

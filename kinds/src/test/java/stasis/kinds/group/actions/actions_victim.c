// Every signal action comes back: handlers with flags and masks, ignored ones, defaults with flags.
#include "victim.h"

struct kernel_action {
  void *handler;
  unsigned long flags;
  void *restorer;
  uint64_t mask;
};
static struct kernel_action before[65], after[65];
static volatile int handled;

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)context;
  handled = info->si_signo == signal ? signal : -1;
}

static void look(struct kernel_action *all) {
  for (int i = 1; i <= 64; i++) check(syscall(SYS_rt_sigaction, i, NULL, &all[i], 8) == 0, "%d: %m", i);
}

int main(void) {
  victim_start();
  for (int i = 1; i <= 64; i++) {
    struct sigaction action = {.sa_flags = SA_RESTART};
    if (i == SIGKILL || i == SIGSTOP || i == 32 || i == 33) continue;
    if (i % 3 == 0) {
      action.sa_sigaction = on_signal;
      action.sa_flags |= SA_SIGINFO | SA_NODEFER;
      sigaddset(&action.sa_mask, 1 + i % 31);
      sigaddset(&action.sa_mask, 64);
    } else if (i % 3 == 1) {
      action.sa_handler = SIG_IGN;
    } else {
      action.sa_handler = SIG_DFL;
      if (i == SIGCHLD) action.sa_flags = SA_NOCLDWAIT | SA_NOCLDSTOP;
    }
    check(sigaction(i, &action, NULL) == 0, "%d: %m", i);
  }
  look(before);
  ready("set");
  look(after);
  for (int i = 1; i <= 64; i++)
    check(memcmp(&before[i], &after[i], sizeof *before) == 0, "signal %d: %p %lx %lx, was %p %lx %lx", i,
          after[i].handler, after[i].flags, (unsigned long)after[i].mask, before[i].handler, before[i].flags,
          (unsigned long)before[i].mask);
  raise(SIGUSR2);
  check(handled == SIGUSR2, "handled %d", handled);
  pass();
}

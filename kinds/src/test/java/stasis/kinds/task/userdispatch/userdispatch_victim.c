// A program with syscall user dispatch on is refused, and goes on with it.
#include "victim.h"
#include <sys/prctl.h>

static char selector;
static volatile int dispatched;

static void on_sys(int signal) {
  (void)signal;
  selector = 0;
  dispatched++;
}

int main(void) {
  victim_start();
  signal(SIGSYS, on_sys);
  if (prctl(59, 1, 0, 0, &selector) != 0) {
    ready("refused");
    pass();
  }
  ready("refused");
  selector = 1;
  syscall(SYS_getppid);
  check(dispatched == 1, "dispatched %d times", dispatched);
  check(prctl(59, 0, 0, 0, 0) == 0, "%m");
  ready("off");
  pass();
}

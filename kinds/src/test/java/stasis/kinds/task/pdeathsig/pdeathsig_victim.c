// The parent death signal comes back, also of a process that is not dumpable any more by its credentials.
#include "victim.h"
#include <sys/prctl.h>

int main(void) {
  victim_start();
  check(prctl(PR_SET_PDEATHSIG, SIGURG) == 0);
  ready("set");
  int signal = -1;
  check(prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGURG, "signal %d", signal);
  check(prctl(PR_SET_PDEATHSIG, 0) == 0);
  ready("unset");
  check(prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == 0, "signal %d", signal);
  pass();
}

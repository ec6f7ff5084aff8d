// Dumpable comes back, on and off, also after a change of credentials.
#include "victim.h"
#include <sys/prctl.h>

int main(void) {
  victim_start();
  check(prctl(PR_GET_DUMPABLE) == 1, "it is %d", prctl(PR_GET_DUMPABLE));
  ready("on");
  check(prctl(PR_GET_DUMPABLE) == 1, "it is %d", prctl(PR_GET_DUMPABLE));
  check(prctl(PR_SET_DUMPABLE, 0) == 0);
  ready("off");
  check(prctl(PR_GET_DUMPABLE) == 0, "it is %d", prctl(PR_GET_DUMPABLE));
  if (geteuid() == 0) {
    check(setresgid(65534, 65534, 65534) == 0, "%m");
    check(prctl(PR_GET_DUMPABLE) != 1);
    check(prctl(PR_SET_DUMPABLE, 1) == 0);
    ready("on-as-another");
    check(prctl(PR_GET_DUMPABLE) == 1, "it is %d", prctl(PR_GET_DUMPABLE));
  }
  pass();
}

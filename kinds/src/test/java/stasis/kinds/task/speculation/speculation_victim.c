// Speculation controls come back as they were, where the machine leaves them to tasks.
#include "victim.h"
#include <sys/prctl.h>

int main(void) {
  victim_start();
  int before[3];
  for (int i = 0; i < 3; i++) {
    before[i] = prctl(PR_GET_SPECULATION_CTRL, i, 0, 0, 0);
    if (before[i] > 0 && (before[i] & PR_SPEC_PRCTL)) {
      check(prctl(PR_SET_SPECULATION_CTRL, i, PR_SPEC_DISABLE, 0, 0) == 0, "%m");
      before[i] = prctl(PR_GET_SPECULATION_CTRL, i, 0, 0, 0);
    }
  }
  ready("set");
  for (int i = 0; i < 3; i++) {
    int now = prctl(PR_GET_SPECULATION_CTRL, i, 0, 0, 0);
    check(now == before[i], "control %d was %d, is %d", i, before[i], now);
  }
  pass();
}

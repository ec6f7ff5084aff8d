// A program in another namespace is refused, and goes on in it.
#include "victim.h"
#include <sched.h>

int main(void) {
  victim_start();
  ready("at-home");
  int left = unshare(CLONE_NEWUTS) == 0;
  if (left) {
    check(sethostname("elsewhere", 9) == 0, "%m");
    ready("refused");
    char name[64];
    check(gethostname(name, sizeof name) == 0 && strcmp(name, "elsewhere") == 0, "%s", name);
  }
  pass();
}

// A program that leads its session and process group leads them again.
#include "victim.h"

int main(void) {
  victim_start();
  int led = getsid(0) == getpid();
  if (getpgrp() != getpid()) check(setpgid(0, 0) == 0, "%m");
  ready("leading");
  check(getpgrp() == getpid(), "group %d of %d", getpgrp(), getpid());
  check(!led || getsid(0) == getpid(), "session %d of %d", getsid(0), getpid());
  pass();
}

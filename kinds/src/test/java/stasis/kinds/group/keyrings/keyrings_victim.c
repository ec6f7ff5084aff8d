// A program with a process keyring comes back without it, which is told.
#include "victim.h"

int main(void) {
  victim_start();
  ready("without");
  long made = syscall(SYS_keyctl, 0, -2, 1);
  ready("with");
  long now = syscall(SYS_keyctl, 0, -2, 0);
  check(now == made || (now == -1 && errno == ENOKEY), "keyring %ld, was %ld", now, made);
  pass();
}

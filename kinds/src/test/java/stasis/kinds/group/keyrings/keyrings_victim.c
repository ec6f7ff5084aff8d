// A program with a process keyring comes back without it, which is told.
#include "victim.h"

int main(void) {
  victim_start();
  ready("without");
  long made = syscall(SYS_keyctl, 0, -2, 1);
  ready("with");
  if (made > 0 && victim_has_test()) check(syscall(SYS_keyctl, 0, -2, 0) == -1 && errno == ENOKEY, "%m");
  pass();
}

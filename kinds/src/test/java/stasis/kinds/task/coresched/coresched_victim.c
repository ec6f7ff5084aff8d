// A program with a core scheduling cookie is refused; where the kernel makes none it comes back.
#include "victim.h"
#include <sys/prctl.h>

int main(void) {
  victim_start();
  int made = prctl(62, 1, 0, 1, 0) == 0;
  ready(made ? "refused" : "without");
  pass();
}

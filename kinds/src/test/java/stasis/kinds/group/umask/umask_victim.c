// The file mode creation mask comes back.
#include "victim.h"
#include <sys/stat.h>

int main(void) {
  victim_start();
  umask(0137);
  ready("set");
  check(umask(0) == 0137);
  ready("zero");
  check(umask(022) == 0);
  pass();
}

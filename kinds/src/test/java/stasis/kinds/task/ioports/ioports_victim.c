// A program with I/O ports is refused; one that gave them back comes back.
#include "victim.h"
#include <sys/io.h>

int main(void) {
  victim_start();
  int given = ioperm(0x80, 1, 1) == 0;
  if (given) ready("refused");
  check(!given || ioperm(0x80, 1, 0) == 0, "%m");
  ready("without");
  pass();
}

// An I/O flusher comes back as one, where the capability for it is at hand.
#include "victim.h"
#include <sys/prctl.h>

int main(void) {
  victim_start();
  int allowed = prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0) == 0;
  check(allowed || errno == EPERM, "%m");
  ready("set");
  if (allowed) check(prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0) == 1, "%m");
  pass();
}

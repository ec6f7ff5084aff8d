// A child subreaper, of which no snapshot can be taken, with as many MiB of its own as it is told.
#include "victim.h"
#include <sys/mman.h>
#include <sys/prctl.h>

int main(int count, char **arguments) {
  victim_start();
  size_t bytes = (size_t)(count > 1 ? atoi(arguments[1]) : 4) << 20;
  char *all = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(all != MAP_FAILED, "%m");
  for (size_t at = 0; at < bytes; at += 4096) memcpy(all + at, &at, sizeof at);
  check(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  ready("large");
  for (size_t at = 0; at < bytes; at += 4096) check(memcmp(all + at, &at, sizeof at) == 0, "page at %zx", at);
  pass();
}

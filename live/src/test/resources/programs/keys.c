// Protection keys (pkeys(7)): one allocated, memory under it.
#include "victim.h"
#include <sys/mman.h>

int main(void) {
  victim_start();
  int key = pkey_alloc(0, 0);
  if (key < 0) {
    ready("none");
    pass();
  }
  void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(at != MAP_FAILED && pkey_mprotect(at, 4096, PROT_READ, key) == 0, "%m");
  ready("mapped");
  pass();
}

// Two objects of shared anonymous memory of one size: each keeps its own contents, and the holes stay holes.
#include "victim.h"

#include <sys/mman.h>

#define PAGE 4096UL
#define PAGES 256

static unsigned resident(void *at) {
  unsigned char pages[PAGES];
  check(mincore(at, PAGES * PAGE, pages) == 0, "mincore: %m");
  unsigned count = 0;
  for (unsigned page = 0; page < PAGES; page++) count += pages[page] & 1;
  return count;
}

int main(void) {
  victim_start();
  unsigned char *objects[2];
  for (int i = 0; i < 2; i++) {
    objects[i] = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(objects[i] != MAP_FAILED, "mmap: %m");
    for (unsigned page = 100; page < 110; page++) memset(objects[i] + page * PAGE, 'a' + i, PAGE);
  }
  ready("mapped");
  for (int i = 0; i < 2; i++) {
    check(resident(objects[i]) <= 10, "%u pages are there", resident(objects[i]));
    for (size_t at = 100 * PAGE; at < 110 * PAGE; at++) check(objects[i][at] == 'a' + i, "object %d at %zu", i, at);
    check(objects[i][0] == 0 && objects[i][110 * PAGE] == 0, "a hole of object %d is not zero", i);
  }
  pass();
}

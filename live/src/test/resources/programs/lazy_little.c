// A little memory that may come late, all of it soon there, and nothing else to do.
#include "victim.h"
#include <sys/mman.h>

#define PAGES (384)
#define PAGE 4096

int main(void) {
  victim_start();
  uint64_t *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(memory != MAP_FAILED, "%m");
  for (uint64_t page = 0; page < PAGES; page++) memory[page * PAGE / 8] = (page + 1) * 0x9e3779b97f4a7c15u;
  ready("filled");
  for (uint64_t page = 0; page < PAGES; page++)
    check(memory[page * PAGE / 8] == (page + 1) * 0x9e3779b97f4a7c15u, "page %lu", page);
  pass();
}

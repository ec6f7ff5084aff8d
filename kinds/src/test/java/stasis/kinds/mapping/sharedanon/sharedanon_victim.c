// Shared anonymous memory, seen through several vmas, one of them unwritable; after it, and after the part that nothing
// maps, is asked.
#include "victim.h"

#include <sys/mman.h>

#define PAGE 4096UL
#define PAGES 64

int main(void) {
  victim_start();
  unsigned char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(memory != MAP_FAILED, "mmap: %m");
  for (unsigned page = 0; page < PAGES; page += 3) memory[page * PAGE] = (unsigned char)(page + 1);
  unsigned char *again = mremap(memory + 30 * PAGE, 0, 10 * PAGE, MREMAP_MAYMOVE);
  check(again != MAP_FAILED, "second mapping: %m");
  check(mprotect(again, 10 * PAGE, PROT_READ) == 0, "mprotect: %m");
  // Pages 40 to 49 keep their contents, though nothing maps them.
  check(munmap(memory + 40 * PAGE, 10 * PAGE) == 0, "munmap: %m");
  unsigned char *lazy = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  check(lazy != MAP_FAILED, "mmap: %m");
  lazy[PAGE] = 5;

  ready("mapped");

  for (unsigned page = 0; page < PAGES; page++)
    if (page < 40 || page >= 50)
      check(memory[page * PAGE] == (page % 3 == 0 ? page + 1 : 0), "page %u is %u", page, memory[page * PAGE]);
  check(again[0] == 31 && again[3 * PAGE] == 34, "second mapping");
  memory[31 * PAGE] = 99;
  check(again[PAGE] == 99, "the mappings no longer share");
  check(mprotect(again, 10 * PAGE, PROT_READ | PROT_WRITE) == 0, "the right to become writable is gone: %m");
  check(lazy[PAGE] == 5 && lazy[0] == 0, "memory without reserve");
  if (geteuid() == 0) {
    unsigned char *unseen = mremap(memory + 39 * PAGE, 0, 11 * PAGE, MREMAP_MAYMOVE);
    check(unseen != MAP_FAILED, "third mapping: %m");
    check(unseen[0] == 40 && unseen[3 * PAGE] == 43, "what nothing mapped is lost: %u", unseen[3 * PAGE]);
  }
  pass();
}

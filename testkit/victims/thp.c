// Transparent huge pages that the program asked for: what lay in them does again, and a single page beside them does
// not become one. Without room for any the victim checks the contents only.
#include "victim.h"
#include <sys/mman.h>

#define HUGE_PAGE (2L << 20)
#define PAGE 4096L
#define COUNT 16
#define FULL 12

static unsigned char *memory;

static unsigned char mark(long page) { return (unsigned char)(page * 13 + 5); }

static void fill(long from, long to) {
  for (long page = from; page < to; page++) memset(memory + page * PAGE, mark(page), PAGE);
}

// KiB that lie in huge pages, and in pages at all, of the vma at `memory`.
static void sizes(long *huge, long *resident) {
  FILE *file = fopen("/proc/self/smaps", "r");
  check(file != NULL, "%m");
  char line[512];
  int within = 0;
  *huge = *resident = -1;
  while (fgets(line, sizeof line, file)) {
    unsigned long start, end;
    char rights[8];
    if (sscanf(line, "%lx-%lx %7s ", &start, &end, rights) == 3) {
      within = start <= (unsigned long)memory && end > (unsigned long)memory;
      if (within) check(start <= (unsigned long)memory && end >= (unsigned long)memory + COUNT * HUGE_PAGE, "divided");
    }
    if (within) sscanf(line, "AnonHugePages: %ld", huge);
    if (within) sscanf(line, "Rss: %ld", resident);
  }
  fclose(file);
}

int main(void) {
  victim_start();
  unsigned char *room = mmap(NULL, (COUNT + 1) * HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(room != MAP_FAILED, "%m");
  memory = room + (HUGE_PAGE - ((uintptr_t)room & (HUGE_PAGE - 1)));
  long pages = HUGE_PAGE / PAGE;
  check(madvise(memory, COUNT * HUGE_PAGE, MADV_NOHUGEPAGE) == 0, "%m");
  fill(FULL * pages, FULL * pages + 1);
  check(madvise(memory, COUNT * HUGE_PAGE, MADV_HUGEPAGE) == 0 || errno == EINVAL, "%m");
  fill(0, (FULL - 1) * pages);
  long huge, resident;
  sizes(&huge, &resident);
  ready("thp");
  long hugeNow, residentNow;
  sizes(&hugeNow, &residentNow);
  // One that the kernel found no room for now is not ours to mend; one it made of pages by itself neither.
  check(hugeNow >= huge - 2 * HUGE_PAGE / 1024, "%ld KiB in huge pages, before %ld", hugeNow, huge);
  check(residentNow <= resident + HUGE_PAGE / 1024, "%ld KiB resident, before %ld", residentNow, resident);
  for (long page = 0; page < COUNT * pages; page++) {
    int full = page < (FULL - 1) * pages || page == FULL * pages;
    check(memory[page * PAGE] == (full ? mark(page) : 0), "page %ld", page);
    if (page % pages == 0 && !full) break;
  }
  pass();
}

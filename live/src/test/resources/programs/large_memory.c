// Much memory of several sorts, every page known, and a child that has some of it in common with its parent.
#include "victim.h"
#include <sys/mman.h>
#include <sys/wait.h>

#define PAGES ((size_t)5120)  // of a region: 20 MiB
#define PAGE ((size_t)4096)
#define REGIONS 6

static uint64_t *at[REGIONS];

static uint64_t word(size_t region, size_t page) { return (region * PAGES + page + 1) * 0x9e3779b97f4a7c15u; }

// Of region 1 every third page has never been touched.
static int has(size_t region, size_t page) { return region != 1 || page % 3 != 0; }

static void look(size_t skipped) {
  for (size_t r = 0; r < REGIONS; r++)
    for (size_t p = 0; p < PAGES; p++)
      if (r != skipped) check(at[r][p * PAGE / 8] == (has(r, p) ? word(r, p) : 0), "region %zu page %zu", r, p);
}

int main(void) {
  victim_start();
  for (size_t r = 0; r < REGIONS; r++) {
    at[r] = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(at[r] != MAP_FAILED, "%m");
    check(mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED, "%m");
    if (r == 2) check(madvise(at[r], PAGES * PAGE, MADV_NOHUGEPAGE) == 0, "%m");
    if (r == 3) check(madvise(at[r], PAGES * PAGE, MADV_HUGEPAGE) == 0, "%m");
    for (size_t p = 0; p < PAGES; p++)
      if (has(r, p)) at[r][p * PAGE / 8] = word(r, p);
  }
  check(mprotect(at[4], PAGES * PAGE, PROT_READ) == 0, "%m");
  check(mlock(at[5], PAGES * PAGE) == 0 || errno == EPERM || errno == ENOMEM, "%m");
  pid_t child = fork();
  check(child >= 0, "%m");
  if (child == 0) {
    for (size_t p = 0; p < PAGES; p++) at[0][p * PAGE / 8] = ~word(0, p);
    ready_wait("filled");
    look(0);
    for (size_t p = 0; p < PAGES; p++) check(at[0][p * PAGE / 8] == ~word(0, p), "child's page %zu", p);
    _exit(0);
  }
  ready("filled");
  look(REGIONS);
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "child: %x", status);
  pass();
}

// Settings of the whole mm: huge pages off, pages merged but for one vma, memory to come locked.
#include "victim.h"

#include <sys/mman.h>
#include <sys/prctl.h>

#define PAGE 4096UL
#define SET_THP_DISABLE 41
#define GET_THP_DISABLE 42
#define SET_MEMORY_MERGE 67
#define GET_MEMORY_MERGE 68

static int has_flag(const void *at, const char *flag) {
  FILE *smaps = fopen("/proc/self/smaps", "re");
  check(smaps, "smaps: %m");
  char line[512];
  int here = 0, found = 0;
  while (fgets(line, sizeof line, smaps)) {
    unsigned long start, end;
    if (sscanf(line, "%lx-%lx ", &start, &end) == 2) here = start == (unsigned long)at;
    if (here && strncmp(line, "VmFlags:", 8) == 0) found = strstr(line, flag) != NULL;
  }
  fclose(smaps);
  return found;
}

static char *page(void) {
  char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  check(at != MAP_FAILED, "mmap: %m");
  return at;
}

int main(void) {
  victim_start();
  check(prctl(SET_THP_DISABLE, 1, 0, 0, 0) == 0, "THP: %m");
  int merge = prctl(SET_MEMORY_MERGE, 1, 0, 0, 0) == 0;
  char *unmerged = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(unmerged != MAP_FAILED, "mmap: %m");
  if (merge) check(madvise(unmerged, 2 * PAGE, MADV_UNMERGEABLE) == 0, "madvise: %m");
  int lock = mlockall(MCL_FUTURE) == 0;
  ready("set");
  check(prctl(GET_THP_DISABLE, 0, 0, 0, 0) == 1, "THP: %d", prctl(GET_THP_DISABLE, 0, 0, 0, 0));
  if (merge) {
    check(prctl(GET_MEMORY_MERGE, 0, 0, 0, 0) == 1, "merge: %d", prctl(GET_MEMORY_MERGE, 0, 0, 0, 0));
    check(!has_flag(unmerged, " mg") && has_flag(page(), " mg"), "what is merged changed");
  }
  check(!has_flag(unmerged, " lo"), "memory from before is locked");
  check(has_flag(page(), " lo") == lock, "memory to come is %slocked", lock ? "not " : "");
  pass();
}

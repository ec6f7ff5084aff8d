// Advice on memory: each bit is set on a vma of its own and on neighbours, and does afterwards what it did before.
#include "victim.h"

#include <sys/mman.h>
#include <sys/wait.h>

#define PAGE 4096UL

static const int advice[] = {MADV_RANDOM, MADV_SEQUENTIAL, MADV_DONTFORK, MADV_DONTDUMP, MADV_WIPEONFORK,
    MADV_MERGEABLE, MADV_HUGEPAGE, MADV_NOHUGEPAGE};
#define COUNT (sizeof advice / sizeof *advice)

// VmFlags of the vma that starts here, as smaps prints them.
static void flags(const void *at, char *text, size_t size) {
  FILE *smaps = fopen("/proc/self/smaps", "re");
  check(smaps, "smaps: %m");
  char line[512];
  int here = 0;
  text[0] = 0;
  while (fgets(line, sizeof line, smaps)) {
    unsigned long start, end;
    if (sscanf(line, "%lx-%lx ", &start, &end) == 2) here = start == (unsigned long)at;
    if (here && strncmp(line, "VmFlags:", 8) == 0) snprintf(text, size, "%s", line + 9);
  }
  fclose(smaps);
}

int main(void) {
  victim_start();
  unsigned char *memory = mmap(NULL, (2 * COUNT + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
      -1, 0);
  check(memory != MAP_FAILED, "mmap: %m");
  char before[COUNT][256];
  for (size_t i = 0; i < COUNT; i++) {
    unsigned char *page = memory + (2 * i + 1) * PAGE;
    page[0] = (unsigned char)(i + 1);
    check(madvise(page, PAGE, advice[i]) == 0 || errno == EINVAL, "madvise %d: %m", advice[i]);
    flags(page, before[i], sizeof before[i]);
  }
  ready("advised");
  for (size_t i = 0; i < COUNT; i++) {
    char after[256];
    unsigned char *page = memory + (2 * i + 1) * PAGE;
    flags(page, after, sizeof after);
    check(strcmp(before[i], after) == 0, "advice %d was %s is %s", advice[i], before[i], after);
    check(page[0] == i + 1, "page %zu differs", i);
  }
  pid_t child = fork();
  if (child == 0) {
    unsigned char byte;
    _exit(memory[9 * PAGE] == 0 && madvise(memory + 5 * PAGE, PAGE, MADV_NORMAL) < 0 && errno == ENOMEM
        && mincore(memory + 5 * PAGE, PAGE, &byte) < 0 ? 0 : 1);
  }
  int status;
  check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "fork copied what it should not");
  pass();
}

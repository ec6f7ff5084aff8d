// Locked memory: all pages at once, pages as they come, and memory that cannot be faulted in.
#include "victim.h"

#include <sys/mman.h>

#define PAGE 4096UL

static long locked_kib(const void *at, int *on_fault) {
  FILE *smaps = fopen("/proc/self/smaps", "re");
  check(smaps, "smaps: %m");
  char line[512];
  long kib = -1;
  int here = 0;
  while (fgets(line, sizeof line, smaps)) {
    unsigned long start, end;
    if (sscanf(line, "%lx-%lx ", &start, &end) == 2) here = start == (unsigned long)at;
    if (!here) continue;
    if (strncmp(line, "Locked:", 7) == 0) kib = atol(line + 7);
    if (strncmp(line, "VmFlags:", 8) == 0) *on_fault = strstr(line, " lf") != NULL;
  }
  fclose(smaps);
  return kib;
}

int main(void) {
  victim_start();
  unsigned char *all = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  unsigned char *some = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  unsigned char *none = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(all != MAP_FAILED && some != MAP_FAILED && none != MAP_FAILED, "mmap: %m");
  check(mlock(all, 4 * PAGE) == 0, "mlock: %m");
  check(mlock2(some, 4 * PAGE, MLOCK_ONFAULT) == 0, "mlock2: %m");
  check(mlock(none, 4 * PAGE) < 0 && errno == ENOMEM, "mlock of nothing: %m");
  all[0] = 1;
  some[2 * PAGE] = 2;
  ready("locked");
  int on_fault = 0;
  check(all[0] == 1 && some[2 * PAGE] == 2, "contents differ");
  check(locked_kib(all, &on_fault) == 16 && !on_fault, "not all is locked");
  check(locked_kib(some, &on_fault) == 4 && on_fault, "more or less than the touched page is locked");
  check(locked_kib(none, &on_fault) >= 0 && !on_fault, "memory without access");
  some[3 * PAGE] = 3;
  check(locked_kib(some, &on_fault) == 8, "a page that came was not locked");
  pass();
}

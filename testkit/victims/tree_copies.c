// Memory that parent and child share copy-on-write: right contents whoever wrote, dropped, grew or shrank what, and
// still shared afterwards.
#include "victim.h"
#include <sys/mman.h>
#include <sys/wait.h>

#define SIZE (32 << 20)
#define PAGE 4096
static unsigned char *big, *grows, *shrinks, *sealed, *late;

static unsigned char mark(int who, long page) { return (unsigned char)(who * 31 + page * 7 + 1); }

static void fill(unsigned char *memory, long bytes, int who) {
  for (long page = 0; page < bytes / PAGE; page++) memory[page * PAGE] = mark(who, page);
}

static long pss_kib(void) {
  FILE *file = fopen("/proc/self/smaps_rollup", "r");
  check(file != NULL, "%m");
  char line[256];
  long pss = -1;
  while (fgets(line, sizeof line, file))
    if (sscanf(line, "Pss: %ld", &pss) == 1) break;
  fclose(file);
  return pss;
}

static void verify(int who, long from) {
  for (long page = 0; page < SIZE / PAGE; page++) {
    unsigned char expected = mark(0, page);
    if (who && page % 100 == who) expected = mark(who, page);
    if (who && page % 100 == 50 + who) expected = 0;
    check(big[page * PAGE] == expected, "who %d page %ld is %d not %d", who, page, big[page * PAGE], expected);
  }
  check(sealed[0] == mark(0, 0) && sealed[PAGE] == mark(0, 1), "read-only memory");
  (void)from;
}

int main(void) {
  victim_start();
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  big = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
  grows = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
  check(munmap(grows + 8 * PAGE, 8 * PAGE) == 0, "%m");
  shrinks = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
  sealed = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
  check(madvise(big, SIZE, MADV_NOHUGEPAGE) == 0, "%m");
  fill(big, SIZE, 0);
  fill(grows, 8 * PAGE, 0);
  fill(shrinks, 16 * PAGE, 0);
  fill(sealed, 2 * PAGE, 0);
  check(mprotect(sealed, 2 * PAGE, PROT_READ) == 0, "%m");
  long alone = pss_kib();
  pid_t children[4];
  int told[2];
  check(pipe(told) == 0, "%m");
  for (int who = 1; who <= 4; who++) {
    children[who - 1] = fork();
    if (children[who - 1] == 0) {
      for (long page = 0; page < SIZE / PAGE; page++) {
        if (page % 100 == who) big[page * PAGE] = mark(who, page);
        if (page % 100 == 50 + who) check(madvise(big + page * PAGE, PAGE, MADV_DONTNEED) == 0, "%m");
      }
      if (who == 1) {
        check(mremap(grows, 8 * PAGE, 16 * PAGE, 0) == grows, "%m");
        grows[12 * PAGE] = 99;
        check(munmap(shrinks + 4 * PAGE, 12 * PAGE) == 0, "%m");
        late = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
        *late = 77;
      }
      if (who == 2) check(munmap(grows, 8 * PAGE) == 0, "%m");
      void *heap = malloc(3 << 20);
      memset(heap, who, 3 << 20);
      check(write(told[1], "x", 1) == 1, "%m");
      ready_wait("copies");
      long pss = pss_kib();
      check(pss < alone / 2, "%ld KiB of memory that was shared, alone it was %ld", pss, alone);
      verify(who, 0);
      if (who == 1) check(grows[12 * PAGE] == 99 && grows[7 * PAGE] == mark(0, 7) && *late == 77, "grown");
      if (who == 1) check(shrinks[3 * PAGE] == mark(0, 3), "shrunk");
      for (long i = 0; i < 3 << 20; i++) check(((unsigned char *)heap)[i] == who, "heap");
      // Still its own: what it writes nobody else sees.
      memset(big, who, SIZE);
      _exit(who);
    }
  }
  // Changed after the forks: the children have the old contents.
  big[0] = mark(0, 0);
  char x;
  for (int i = 0; i < 4; i++) check(read(told[0], &x, 1) == 1, "%m");
  ready("copies");
  for (int i = 0; i < 4; i++) {
    int status;
    check(waitpid(children[i], &status, 0) == children[i] && WIFEXITED(status) && WEXITSTATUS(status) == i + 1,
          "child %d: %x", i, status);
  }
  verify(0, 0);
  pass();
}

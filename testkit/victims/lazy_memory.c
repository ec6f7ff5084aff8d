// Memory whose every page is known, either by a pattern or as zeros. After it was told to go on it moves, drops, maps
// anew, protects, writes, has the kernel read, and copies it by fork(2), and then looks at all of it: what a program may
// do while its pages still come in after a lazy restore.
#include "victim.h"

#include <sys/mman.h>
#include <sys/wait.h>

#define PAGE 4096
#define WORDS (PAGE / 8)
#define REGIONS 4
#define PAGES 1536  // of a region
#define STEPS 300
#define CHILDREN 4

struct region {
  char *at;
  unsigned char filled[PAGES];  // whether the page holds its pattern, or zeros
};
static struct region regions[REGIONS];
static uint64_t chance = 88172645463325252ull;

static size_t some(size_t bound) {
  chance ^= chance << 13, chance ^= chance >> 7, chance ^= chance << 17;
  return chance % bound;
}

static uint64_t word(size_t region, size_t page, size_t i, int filled) {
  uint64_t x = ((region * PAGES + page) * WORDS + i + 1) * 0x9E3779B97F4A7C15ull;
  return filled ? x ^ x >> 29 : 0;
}

static uint64_t *words(size_t region, size_t page) { return (uint64_t *)(regions[region].at + page * PAGE); }

static void fill(size_t region, size_t page) {
  for (size_t i = 0; i < WORDS; i++) words(region, page)[i] = word(region, page, i, 1);
  regions[region].filled[page] = 1;
}

static void look(size_t region, size_t page, const uint64_t *at) {
  for (size_t i = 0; i < WORDS; i++)
    check(at[i] == word(region, page, i, regions[region].filled[page]), "region %zu page %zu word %zu is %lx, filled %d",
          region, page, i, at[i], regions[region].filled[page]);
}

static void look_at_all(void) {
  for (size_t r = 0; r < REGIONS; r++)
    for (size_t p = 0; p < PAGES; p++) look(r, p, words(r, p));
}

static void through_the_kernel(size_t region, size_t page) {
  static uint64_t copy[WORDS];
  int ends[2];
  check(pipe(ends) == 0, "pipe: %m");
  check(write(ends[1], words(region, page), PAGE) == PAGE, "write: %m");
  check(read(ends[0], copy, PAGE) == PAGE, "read: %m");
  look(region, page, copy);
  close(ends[0]), close(ends[1]);
}

static void step(void) {
  size_t r = some(REGIONS), p = some(PAGES), n = 1 + some(64);
  if (p + n > PAGES) n = PAGES - p;
  char *at = regions[r].at + p * PAGE;
  switch (some(7)) {
    case 0:
      check(madvise(at, n * PAGE, MADV_DONTNEED) == 0, "madvise: %m");
      memset(regions[r].filled + p, 0, n);
      break;
    case 1: {
      // EFAULT: a part was mapped anew meanwhile, and is a vma of its own.
      void *to = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      char *moved = mremap(regions[r].at, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
      check(moved != MAP_FAILED || errno == EFAULT, "mremap: %m");
      if (moved != MAP_FAILED) regions[r].at = moved;
      break;
    }
    case 2:
      check(mmap(at, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at, "mmap: %m");
      memset(regions[r].filled + p, 0, n);
      break;
    case 3:
      check(mprotect(at, n * PAGE, PROT_READ) == 0, "mprotect: %m");
      look(r, p, words(r, p));
      check(mprotect(at, n * PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect: %m");
      break;
    case 4:
      for (size_t i = 0; i < n; i++) fill(r, p + i);
      break;
    case 5:
      through_the_kernel(r, p);
      break;
    case 6:
      look(r, p, words(r, p));
      break;
  }
}

static pid_t child(int depth) {
  pid_t pid = fork();
  if (pid == 0) {
    chance += (uint64_t)getpid();
    for (int i = 0; i < 40; i++) step();
    pid_t grandchild = depth > 0 ? child(depth - 1) : 0;
    look_at_all();
    int status = 0;
    check(grandchild == 0 || waitpid(grandchild, &status, 0) == grandchild, "waitpid: %m");
    _exit(status != 0);
  }
  check(pid > 0, "fork: %m");
  return pid;
}

int main(void) {
  victim_start();
  for (size_t r = 0; r < REGIONS; r++) {
    regions[r].at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(regions[r].at != MAP_FAILED, "mmap: %m");
    check(mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED, "mmap: %m");
    for (size_t p = 0; p < PAGES; p++) fill(r, p);
  }
  ready("filled");
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  chance += (uint64_t)now.tv_nsec;
  pid_t children[CHILDREN];
  for (int i = 0; i < STEPS; i++) {
    if (i % (STEPS / CHILDREN) == 0) children[i / (STEPS / CHILDREN)] = child(1);
    step();
  }
  look_at_all();
  for (int i = 0; i < CHILDREN; i++) {
    int status;
    check(waitpid(children[i], &status, 0) == children[i], "waitpid: %m");
    check(status == 0, "child %d: status %x", i, status);
  }
  pass();
}

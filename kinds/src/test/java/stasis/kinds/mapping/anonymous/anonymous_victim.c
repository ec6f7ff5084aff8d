// Private memory of every sort: touched, sparse, unwritable, without access, reserving nothing, growing down, droppable,
// executable, the heap and the stack; afterwards each holds what it held and does what it did.
#include "victim.h"

#include <sys/mman.h>

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif
#define PAGE 4096UL

static unsigned char *memory(size_t pages, int prot, int flags) {
  void *at = mmap(NULL, pages * PAGE, prot, MAP_ANONYMOUS | flags, -1, 0);
  check(at != MAP_FAILED, "mmap of %zu pages, flags %x: %m", pages, flags);
  return at;
}

static void fill(unsigned char *at, unsigned seed) {
  for (size_t i = 0; i < PAGE; i++) at[i] = (unsigned char)(seed + i * 7);
}

static int filled(const unsigned char *at, unsigned seed) {
  for (size_t i = 0; i < PAGE; i++)
    if (at[i] != (unsigned char)(seed + i * 7)) return 0;
  return 1;
}

static int zero(const unsigned char *at) {
  for (size_t i = 0; i < PAGE; i++)
    if (at[i]) return 0;
  return 1;
}

// Uses so much stack that the kernel must let it grow.
__attribute__((noinline)) static unsigned deep(unsigned depth) {
  volatile unsigned char block[PAGE];
  block[depth % PAGE] = (unsigned char)depth;
  return depth == 0 ? 0 : deep(depth - 1) + block[depth % PAGE];
}

int main(void) {
  victim_start();
  unsigned char *sparse = memory(64, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  fill(sparse, 1);
  fill(sparse + 17 * PAGE, 2);
  fill(sparse + 63 * PAGE, 3);
  unsigned char *constant = memory(2, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  fill(constant, 4);
  check(mprotect(constant, 2 * PAGE, PROT_READ) == 0, "mprotect: %m");
  unsigned char *hidden = memory(2, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  fill(hidden + PAGE, 5);
  check(mprotect(hidden, 2 * PAGE, PROT_NONE) == 0, "mprotect: %m");
  unsigned char *reserved = memory(16384, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);
  unsigned char *lazy = memory(16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE);
  fill(lazy + 3 * PAGE, 6);
  // Emptied and unwritable, yet still accounted (VM_ACCOUNT).
  unsigned char *emptied = memory(2, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  fill(emptied, 7);
  check(mprotect(emptied, 2 * PAGE, PROT_READ) == 0, "mprotect: %m");
  check(madvise(emptied, 2 * PAGE, MADV_DONTNEED) == 0, "madvise: %m");
  unsigned char *high = memory(512, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);
  unsigned char *down = mmap(high + 500 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
  check(down == high + 500 * PAGE, "growsdown: %m");
  fill(down + PAGE, 8);
  unsigned char *droppable = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_DROPPABLE, -1, 0);
  if (droppable != MAP_FAILED) fill(droppable, 9);
  unsigned char *code = memory(1, PROT_READ | PROT_WRITE, MAP_PRIVATE);
#if defined(__x86_64__)
  static const unsigned char answer[] = {0xb8, 42, 0, 0, 0, 0xc3};
#else
  static const unsigned int answer[] = {0x52800540, 0xd65f03c0};
#endif
  memcpy(code, answer, sizeof answer);
  check(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0, "mprotect: %m");
  unsigned char *heap = sbrk(4 * PAGE);
  check(heap != (void *)-1, "sbrk: %m");
  fill(heap, 10);
  void *end = sbrk(0);
  unsigned sum = deep(300);

  ready("mapped");

  check(filled(sparse, 1) && filled(sparse + 17 * PAGE, 2) && filled(sparse + 63 * PAGE, 3), "touched pages differ");
  for (size_t page = 1; page < 63; page++)
    if (page != 17) check(zero(sparse + page * PAGE), "hole %zu is not zero", page);
  check(filled(constant, 4) && zero(constant + PAGE), "unwritable memory differs");
  check(mprotect(hidden, 2 * PAGE, PROT_READ) == 0, "mprotect: %m");
  check(zero(hidden) && filled(hidden + PAGE, 5), "memory without access differs");
  check(mprotect(reserved, 16384 * PAGE, PROT_READ | PROT_WRITE) == 0, "reserved memory: %m");
  check(zero(reserved + 9999 * PAGE), "reserved memory is not zero");
  check(filled(lazy + 3 * PAGE, 6) && zero(lazy), "memory without reserve differs");
  check(zero(emptied) && zero(emptied + PAGE), "emptied memory is not zero");
  check(filled(down + PAGE, 8), "memory that grows down differs");
  if (droppable != MAP_FAILED) check(filled(droppable, 9) || zero(droppable), "droppable memory differs");
  check(((int (*)(void))code)() == 42, "code differs");
  check(filled(heap, 10), "heap differs");
  check(sbrk(0) == end, "the break moved from %p to %p", end, sbrk(0));
  check(sbrk(PAGE) == end, "the heap does not grow where it ended: %m");
  check(deep(300) == sum, "stack");
  check(deep(900) != 0, "the stack does not grow");
  pass();
}

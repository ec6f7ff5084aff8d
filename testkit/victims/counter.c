// Registers, memory and the page of a file that was written: a sum that only comes out right if nothing was lost.
#include "victim.h"

#include <immintrin.h>
#include <sys/mman.h>

#define PAGES 64
#define BYTES (PAGES * 4096L)

static uint64_t mix(uint64_t x) {
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return x;
}

static uint64_t fill(uint64_t *words, uint64_t seed) {
  uint64_t sum = 0;
  for (long i = 0; i < BYTES / 8; i++) {
    seed = mix(seed);
    words[i] = seed;
    sum += seed * (uint64_t)(i + 1);
  }
  return sum;
}

static uint64_t sum(const uint64_t *words) {
  uint64_t sum = 0;
  for (long i = 0; i < BYTES / 8; i++) sum += words[i] * (uint64_t)(i + 1);
  return sum;
}

int main(void) {
  victim_start();
  uint64_t *heap = malloc(BYTES);
  uint64_t *map = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(heap && map != MAP_FAILED, "%m");
  uint64_t stack[512];
  for (int i = 0; i < 512; i++) stack[i] = mix((uint64_t)i + 3);
  uint64_t in_heap = fill(heap, 1), in_map = fill(map, 2);
  check(mprotect(map, BYTES, PROT_READ) == 0, "%m");
  __m128d vector = _mm_set_pd(1.0 / 3, 2.0 / 7);
  unsigned rounding = 0x1f80 | 0x6000; // MXCSR: round to zero
  _mm_setcsr(rounding);

  ready("filled");
  check(sum(heap) == in_heap);
  check(sum(map) == in_map);
  for (int i = 0; i < 512; i++) check(stack[i] == mix((uint64_t)i + 3), "stack word %d", i);
  double parts[2];
  _mm_storeu_pd(parts, vector);
  check(parts[0] == 2.0 / 7 && parts[1] == 1.0 / 3, "%a %a", parts[0], parts[1]);
  check((_mm_getcsr() & 0x6000) == 0x6000, "mxcsr is %x", _mm_getcsr());

  register uint64_t kept = in_heap;
  ready_spin("spinning");
  check(kept == in_heap);
  check(sum(map) == in_map);
  pass();
}

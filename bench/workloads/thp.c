// Memory of random bytes, every other 256 MiB of it in transparent huge pages: MEBIBYTES.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define STRETCH (256L << 20)

int main(int count, char **words) {
  long bytes = (count > 1 ? atol(words[1]) : 4096) << 20;
  uint64_t value = 1;
  for (long at = 0; at < bytes; at += STRETCH) {
    uint64_t *stretch = mmap(NULL, STRETCH + (2 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stretch == MAP_FAILED) return 1;
    madvise(stretch, STRETCH + (2 << 20), at / STRETCH % 2 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    for (long i = 0; i < STRETCH / 8; i++) stretch[i] = value = value * 6364136223846793005UL + 1442695040888963407UL;
  }
  puts("ready");
  fflush(stdout);
  while (1) pause();
}

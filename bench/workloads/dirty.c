// MEBIBYTES of random bytes, PERCENT of whose pages are written anew each second.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **words) {
  long pages = (count > 1 ? atol(words[1]) : 1024) << 8;
  double percent = count > 2 ? atof(words[2]) : 10;
  uint64_t *memory = mmap(NULL, pages << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  uint64_t value = 88172645463325252u;
  for (long i = 0; i < pages << 9; i++) memory[i] = value = value * 6364136223846793005UL + 1442695040888963407UL;
  puts("ready");
  fflush(stdout);
  long each = (long)(pages * percent / 100 / 100);
  for (struct timespec nap = {0, 10000000};; nanosleep(&nap, NULL)) {
    for (long i = 0; i < each; i++) {
      value = value * 6364136223846793005UL + 1442695040888963407UL;
      memory[(value >> 16) % (uint64_t)pages << 9] = value;
    }
  }
}

// Takes so many MiB when told to, and ends.
#include "victim.h"
#include <sys/mman.h>

int main(int count, char **words) {
  victim_start();
  long size = (count > 1 ? atol(words[1]) : 1) << 20;
  ready("hungry");
  volatile char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(memory != MAP_FAILED, "%m");
  for (long at = 0; at < size; at += 4096) memory[at] = 1;
  pass();
}

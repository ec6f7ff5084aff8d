// argv[1] vmas of one page each that cannot merge, because every second one is read-only; each page holds data.
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv) {
  long vmas = argc > 1 ? atol(argv[1]) : 10000;
  char *memory = mmap(NULL, vmas * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return 1;
  }
  for (long i = 0; i < vmas; i++) {
    memory[i * 4096] = (char)(i | 1);
    if (i % 2 && mprotect(memory + i * 4096, 4096, PROT_READ) != 0) {
      return 1;
    }
  }
  puts("ready");
  fflush(stdout);
  for (;;) {
    pause();
  }
}

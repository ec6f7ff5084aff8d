// Shared anonymous memory opened as a file: beside a mapping, and after the last mapping of it is gone.
#include "victim.h"

#include <sys/mman.h>

#define PAGE 4096UL

static char *make(int *fd) {
  char *shared = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(shared != MAP_FAILED, "mmap: %m");
  char path[100];
  snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", (long)shared, (long)shared + 3 * PAGE);
  *fd = open(path, O_RDWR);
  if (*fd < 0) {
    // Whoever may not.
    ready("none");
    pass();
  }
  return shared;
}

int main(void) {
  victim_start();
  int mapped = -1;
  int alone = -1;
  char *shared = make(&mapped);
  char *gone = make(&alone);
  shared[PAGE] = 1;
  gone[2 * PAGE] = 2;
  check(munmap(gone, 3 * PAGE) == 0 && lseek(mapped, PAGE, SEEK_SET) == (long)PAGE, "munmap, lseek: %m");
  ready("open");
  char byte = 0;
  check(read(mapped, &byte, 1) == 1 && byte == 1, "read %d: %m", byte);
  shared[PAGE + 1] = 3;
  check(read(mapped, &byte, 1) == 1 && byte == 3, "read what was written through the mapping, %d: %m", byte);
  check(pwrite(mapped, "\4", 1, 5) == 1 && shared[5] == 4, "write: %m");
  check(pread(alone, &byte, 1, 2 * PAGE) == 1 && byte == 2, "read %d: %m", byte);
  check(lseek(alone, 0, SEEK_END) == 3 * (long)PAGE, "size: %m");
  pass();
}

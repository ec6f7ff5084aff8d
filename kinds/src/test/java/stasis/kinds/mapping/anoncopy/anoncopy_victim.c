// Shared anonymous memory that is also mapped privately, and shared a second time, as map_files opens it.
#include "victim.h"

#include <sys/mman.h>

#define PAGE 4096UL

int main(void) {
  victim_start();
  char *shared = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(shared != MAP_FAILED, "mmap: %m");
  char path[100];
  snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", (long)shared, (long)shared + 5 * PAGE);
  int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    // Whoever may not.
    ready("none");
    pass();
  }
  shared[PAGE] = 1;
  shared[2 * PAGE] = 2;
  char *copy = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, PAGE);
  char *constant = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
  char *again = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2 * PAGE);
  check(copy != MAP_FAILED && constant != MAP_FAILED && again != MAP_FAILED, "mmap: %m");
  close(fd);
  copy[PAGE] = 3;
  ready("mapped");
  check(copy[0] == 1 && copy[PAGE] == 3 && shared[2 * PAGE] == 2 && again[0] == 2 && constant[0] == 0, "contents");
  shared[PAGE] = 4;
  again[0] = 5;
  shared[0] = 6;
  check(copy[0] == 4 && shared[2 * PAGE] == 5 && copy[PAGE] == 3 && constant[0] == 6, "what is shared and what is not");
  pass();
}

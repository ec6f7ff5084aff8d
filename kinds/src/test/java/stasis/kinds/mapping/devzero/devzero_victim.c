// A private mapping of /dev/zero, as programs made anonymous memory before MAP_ANONYMOUS.
#include "victim.h"

#include <sys/mman.h>

#define PAGE 4096UL

int main(void) {
  victim_start();
  int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
  check(fd >= 0, "open: %m");
  unsigned char *memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  check(memory != MAP_FAILED, "mmap: %m");
  close(fd);
  memory[2 * PAGE] = 7;
  ready("mapped");
  check(memory[0] == 0 && memory[2 * PAGE] == 7 && memory[3 * PAGE] == 0, "contents differ");
  memory[3 * PAGE] = 8;
  pass();
}

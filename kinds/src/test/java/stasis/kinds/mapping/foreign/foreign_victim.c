// Memory that nobody but its task can read: a checkpoint at `refused` must be refused, and the program goes on.
#include "victim.h"

#include <sys/mman.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#define PAGE 4096UL

int main(void) {
  victim_start();
  int fd = (int)syscall(SYS_memfd_secret, 0);
  if (fd < 0) {
    // A kernel without it: the ring of an asynchronous I/O context is as foreign.
    unsigned long context = 0;
    check(syscall(SYS_io_setup, 4, &context) == 0, "io_setup: %m");
    ready("refused");
    pass();
  }
  check(ftruncate(fd, PAGE) == 0, "ftruncate: %m");
  char *secret = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  check(secret != MAP_FAILED, "mmap: %m");
  close(fd);
  strcpy(secret, "secret");
  ready("refused");
  check(strcmp(secret, "secret") == 0, "it changed");
  pass();
}

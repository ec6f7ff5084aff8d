// Memory-deny-write-execute: code that was there runs on, none can be made any more.
#include "victim.h"

#include <sys/mman.h>
#include <sys/prctl.h>

#define PAGE 4096UL
#define SET_MDWE 65
#define GET_MDWE 66

int main(void) {
  victim_start();
  char *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(memory != MAP_FAILED, "mmap: %m");
  int denied = prctl(SET_MDWE, 1, 0, 0, 0) == 0;
  check(denied || errno == EINVAL, "prctl: %m");
  ready("denied");
  check(!denied || prctl(GET_MDWE, 0, 0, 0, 0) == 1, "it is gone");
  check((mprotect(memory, PAGE, PROT_READ | PROT_EXEC) < 0) == denied, "mprotect");
  check((mmap(NULL, PAGE, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) == denied, "mmap");
  pass();
}

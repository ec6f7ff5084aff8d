// A sealed vma can be neither unmapped nor protected otherwise, but read, and written where it is writable.
#include "victim.h"

#include <sys/mman.h>

#ifndef SYS_mseal
#define SYS_mseal 462
#endif
#define PAGE 4096UL

int main(void) {
  victim_start();
  char *memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(memory != MAP_FAILED, "mmap: %m");
  strcpy(memory + PAGE, "sealed");
  int sealed = syscall(SYS_mseal, memory + PAGE, 2 * PAGE, 0) == 0;
  check(sealed || errno == ENOSYS || errno == EPERM, "mseal: %m");
  ready("sealed");
  check(strcmp(memory + PAGE, "sealed") == 0, "contents differ");
  memory[PAGE] = 'S';
  if (sealed) {
    check(munmap(memory + PAGE, PAGE) < 0 && errno == EPERM, "it can be unmapped");
    check(mprotect(memory + 2 * PAGE, PAGE, PROT_READ) < 0 && errno == EPERM, "it can be made unwritable");
  }
  check(munmap(memory, PAGE) == 0 && munmap(memory + 3 * PAGE, PAGE) == 0, "its neighbours are sealed too: %m");
  pass();
}

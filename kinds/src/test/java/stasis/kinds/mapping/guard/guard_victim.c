// Guard regions: an access fails inside and nowhere else, also where one was taken away again.
#include "victim.h"

#include <setjmp.h>
#include <sys/mman.h>

#define PAGE 4096UL
#define GUARD_INSTALL 102
#define GUARD_REMOVE 103

static sigjmp_buf back;

static void on_fault(int signal) {
  (void)signal;
  siglongjmp(back, 1);
}

static int guarded(volatile char *at) {
  if (sigsetjmp(back, 1)) return 1;
  (void)*at;
  return 0;
}

int main(void) {
  victim_start();
  char *memory = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *former = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(memory != MAP_FAILED && former != MAP_FAILED, "mmap: %m");
  memset(memory, 'm', 16 * PAGE);
  memset(former, 'f', 4 * PAGE);
  int guards = madvise(memory + 2 * PAGE, 2 * PAGE, GUARD_INSTALL) == 0;
  check(guards || errno == EINVAL, "madvise: %m");
  if (guards) {
    check(madvise(memory + 15 * PAGE, PAGE, GUARD_INSTALL) == 0, "madvise: %m");
    check(madvise(former + PAGE, PAGE, GUARD_INSTALL) == 0, "madvise: %m");
    check(madvise(former + PAGE, PAGE, GUARD_REMOVE) == 0, "madvise: %m");
  }
  struct sigaction action = {.sa_handler = on_fault};
  sigaction(SIGSEGV, &action, NULL);
  ready("guarded");
  for (int page = 0; page < 16; page++) {
    int inside = guards && (page == 2 || page == 3 || page == 15);
    check(guarded(memory + page * PAGE) == inside, "page %d is %sguarded", page, inside ? "not " : "");
    if (!inside) check(memory[page * PAGE] == 'm', "page %d differs", page);
  }
  check(former[0] == 'f' && former[PAGE] == (guards ? 0 : 'f') && former[2 * PAGE] == 'f', "former guard region");
  pass();
}

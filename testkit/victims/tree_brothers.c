// Three children that share memory with each other, while their parent has called execve(2) since: what one writes the
// others see, and each is waited for.
#include "victim.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

static char stack[3][65536] __attribute__((aligned(16)));
static volatile int told;

// Tells what it counts, in the order of their stacks.
static int counts(void *number) {
  int mine = (int)(long)number;
  ready_wait("brothers");
  for (long i = 0; told != mine && i < 5000; i++) usleep(1000);
  if (told != mine) return 1;
  told = mine + 1;
  for (long i = 0; told < 3 && i < 5000; i++) usleep(1000);
  return told == 3 ? 10 + mine : 2;
}

static int first(void *unused) {
  (void)unused;
  for (long i = 1; i < 3; i++)
    if (clone(counts, stack[i] + sizeof stack[i], CLONE_VM | CLONE_PARENT, (void *)i) < 0) return 3;
  return counts((void *)0);
}

int main(int count, char **arguments) {
  victim_start();
  if (count == 1) {
    check(clone(first, stack[0] + sizeof stack[0], CLONE_VM | SIGCHLD, NULL) > 0, "clone: %m");
    usleep(50000);
    execl("/proc/self/exe", arguments[0], "again", NULL);
    check(0, "exec: %m");
  }
  ready("brothers");
  int status = 0, all = 0;
  for (int i = 0; i < 3; i++) {
    check(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) >= 10, "status %x: %m", status);
    all |= 1 << (WEXITSTATUS(status) - 10);
  }
  check(all == 7 && wait(&status) < 0 && errno == ECHILD, "not all of them ended: %x", all);
  pass();
}

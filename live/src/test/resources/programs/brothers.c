// Two children that share memory with each other, while their parent has called execve(2) since.
#include "victim.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

static char stack[2][65536] __attribute__((aligned(16)));

static int brother(void *unused) {
  (void)unused;
  ready_wait("mapped");
  return 0;
}

static int first(void *unused) {
  return clone(brother, stack[1] + sizeof stack[1], CLONE_VM | CLONE_PARENT | SIGCHLD, NULL) > 0 ? brother(unused) : 1;
}

int main(int count, char **arguments) {
  victim_start();
  if (count == 1) {
    check(clone(first, stack[0] + sizeof stack[0], CLONE_VM | SIGCHLD, NULL) > 0, "clone: %m");
    usleep(50000);
    execl("/proc/self/exe", arguments[0], "again", NULL);
    check(0, "exec: %m");
  }
  ready("mapped");
  int status;
  for (int i = 0; i < 2; i++) check(wait(&status) > 0 && status == 0, "status %x: %m", status);
  pass();
}

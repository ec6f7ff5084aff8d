// An uncle and a nephew that share memory with each other: whom they had it from, the uncle's brother and the nephew's
// father, has called execve(2) since.
#include "victim.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

static char stack[3][65536] __attribute__((aligned(16)));

static int waits(void *unused) {
  (void)unused;
  ready_wait("mapped");
  return 0;
}

int main(int count, char **arguments) {
  victim_start();
  if (count > 1) {
    waits(NULL);
    int status = 0;
    return wait(&status) > 0 && status == 0 ? 0 : 1;
  }
  pid_t father = fork();
  if (father == 0) {
    check(clone(waits, stack[0] + sizeof stack[0], CLONE_VM | SIGCHLD, NULL) > 0, "clone: %m");
    check(clone(waits, stack[1] + sizeof stack[1], CLONE_VM | CLONE_PARENT | SIGCHLD, NULL) > 0, "clone: %m");
    execl("/proc/self/exe", arguments[0], "again", NULL);
    check(0, "exec: %m");
  }
  check(father > 0, "fork: %m");
  usleep(100000);
  ready("mapped");
  int status = 0;
  for (int i = 0; i < 2; i++) check(wait(&status) > 0 && status == 0, "status %x: %m", status);
  pass();
}

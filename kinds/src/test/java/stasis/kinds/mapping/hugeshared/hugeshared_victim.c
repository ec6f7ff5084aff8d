// Shared memory in huge pages of hugetlbfs: in two processes, whole in one, a part of it and unwritable in the other.
#include "huge.h"

#include <sys/wait.h>

int main(void) {
  victim_start();
  huge_begin();
  unsigned char *shared =
      mmap(NULL, 3 * HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
  check(shared != MAP_FAILED, "mmap: %m");
  shared[1] = 1;
  shared[HUGE_PAGE + 2] = 2;
  pid_t child = fork();
  check(child >= 0, "fork: %m");
  if (child == 0) {
    check(munmap(shared, HUGE_PAGE) == 0 && mprotect(shared + HUGE_PAGE, HUGE_PAGE, PROT_READ) == 0, "child: %m");
    ready_wait("both");
    while (shared[HUGE_PAGE + 2] == 2) usleep(1000);
    check(shared[HUGE_PAGE + 2] == 5, "the child sees %d", shared[HUGE_PAGE + 2]);
    shared[2 * HUGE_PAGE] = 6;
    _exit(0);
  }
  usleep(50000);
  ready("both");
  check(shared[1] == 1 && shared[HUGE_PAGE + 2] == 2 && shared[2 * HUGE_PAGE] == 0, "shared");
  shared[HUGE_PAGE + 2] = 5;
  int status = 0;
  check(waitpid(child, &status, 0) == child && status == 0, "the child ended with %x", status);
  check(shared[2 * HUGE_PAGE] == 6, "what the child wrote");
  huge_end();
  pass();
}

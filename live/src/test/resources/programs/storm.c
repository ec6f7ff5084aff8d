// Forks children and grandchildren that end at once, more than a thousand a second where the machine allows it, until
// the test says so; counts them and checks each end. Writes its rate to `rate`.
#include "victim.h"
#include <sys/wait.h>

int main(void) {
  victim_start();
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  ready_begin("storm");
  long forks = 0;
  for (long round = 0; round % 64 || !ready_done("storm"); round++, forks++) {
    pid_t child = fork();
    check(child >= 0, "%m");
    if (child == 0) {
      if (round % 3) _exit(round % 7);
      pid_t grandchild = fork();
      if (grandchild == 0) _exit(11);
      int status;
      check(waitpid(grandchild, &status, 0) == grandchild && WEXITSTATUS(status) == 11, "%x", status);
      _exit(round % 7);
    }
    forks += round % 3 == 0;
    int status;
    check(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == round % 7,
          "round %ld: %x", round, status);
    if (!victim_has_test() && round == 2000) break;
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  FILE *rate = fopen("rate", "w");
  if (rate) fprintf(rate, "%.0f\n", forks / (end.tv_sec - begin.tv_sec + (end.tv_nsec - begin.tv_nsec) / 1e9));
  pass();
}

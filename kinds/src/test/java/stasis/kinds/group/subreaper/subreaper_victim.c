// A child subreaper comes back as one: an orphan made afterwards becomes its child.
#include "victim.h"
#include <sys/prctl.h>
#include <sys/wait.h>

int main(void) {
  victim_start();
  check(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  ready("set");
  int on = 0;
  check(prctl(PR_GET_CHILD_SUBREAPER, &on) == 0 && on == 1, "it is %d", on);
  pid_t child = fork();
  if (child == 0) {
    pid_t parent = getpid();
    if (fork() == 0) {
      while (getppid() == parent) usleep(1000);
      _exit(7);
    }
    _exit(0);
  }
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "%x", status);
  check(waitpid(-1, &status, 0) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 7, "%x", status);
  check(prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
  ready("unset");
  check(prctl(PR_GET_CHILD_SUBREAPER, &on) == 0 && on == 0, "it is %d", on);
  pass();
}

// A parent that does not wait for its child, which sleeps.
#include "victim.h"

int main(void) {
  victim_start();
  pid_t child = fork();
  if (child == 0) {
    while (1) pause();
  }
  check(child > 0, "%m");
  ready("unwaiting");
  kill(child, SIGKILL);
  pass();
}

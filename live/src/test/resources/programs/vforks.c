// A parent that waits in vfork(2) until the test lets its child go.
#include "victim.h"
#include <sys/wait.h>

static char released[1100];

int main(void) {
  victim_start();
  snprintf(released, sizeof released, "%s/go.released", victim_folder);
  ready_begin("vforked");
  pid_t child = vfork();
  if (child == 0) {
    struct timespec pause = {0, 2000000};
    while (victim_has_test() && access(released, F_OK) != 0) nanosleep(&pause, NULL);
    execl("/bin/true", "true", (char *)0);
    _exit(9);
  }
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "%x", status);
  ready("after");
  pass();
}

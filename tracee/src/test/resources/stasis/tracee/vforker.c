// A parent that waits in vfork(2) until its child gets SIGTERM, and then sleeps.
#include <signal.h>
#include <unistd.h>

static void leave(int signal) { _exit(0); }

int main(void) {
  signal(SIGTERM, leave);
  if (vfork() == 0)
    for (;;) pause();
  for (;;) sleep(1000);
}

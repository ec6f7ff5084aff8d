// A thread with a working directory of its own is refused; without it the program comes back.
#include "victim.h"
#include <sched.h>

static volatile int stage;

static void *worker(void *unused) {
  check(unshare(CLONE_FS) == 0, "%m");
  stage = 1;
  while (stage != 2) usleep(1000);
  return unused;
}

int main(void) {
  victim_start();
  pthread_t thread;
  check(pthread_create(&thread, NULL, worker, NULL) == 0);
  while (stage != 1) usleep(1000);
  ready("refused");
  stage = 2;
  pthread_join(thread, NULL);
  ready("alone");
  pass();
}

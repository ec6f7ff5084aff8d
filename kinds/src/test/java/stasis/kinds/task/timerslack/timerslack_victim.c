// Timer slack comes back, each thread's its own.
#include "victim.h"
#include <sys/prctl.h>

static volatile int stage;

static void *worker(void *unused) {
  (void)unused;
  check(prctl(PR_SET_TIMERSLACK, 1UL) == 0);
  stage = 1;
  while (stage != 2) usleep(1000);
  check(prctl(PR_GET_TIMERSLACK) == 1, "worker has %d", prctl(PR_GET_TIMERSLACK));
  return NULL;
}

int main(void) {
  victim_start();
  pthread_t thread;
  check(pthread_create(&thread, NULL, worker, NULL) == 0);
  while (stage != 1) usleep(1000);
  check(prctl(PR_SET_TIMERSLACK, 123456789UL) == 0);
  ready("set");
  check(prctl(PR_GET_TIMERSLACK) == 123456789, "leader has %d", prctl(PR_GET_TIMERSLACK));
  stage = 2;
  pthread_join(thread, NULL);
  pass();
}

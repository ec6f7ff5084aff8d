// Machine check policies come back: early in one thread, late in another, the default in the third.
#include "victim.h"
#include <sys/prctl.h>

static volatile int started, stage;

static void *worker(void *policy) {
  int wanted = (int)(intptr_t)policy;
  check(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, wanted, 0, 0) == 0, "%m");
  __sync_fetch_and_add(&started, 1);
  while (stage != 2) usleep(1000);
  int now = prctl(PR_MCE_KILL_GET, 0, 0, 0, 0);
  check(now == wanted, "policy %d became %d", wanted, now);
  return NULL;
}

int main(void) {
  victim_start();
  pthread_t threads[3];
  for (intptr_t i = 0; i < 3; i++) check(pthread_create(&threads[i], NULL, worker, (void *)i) == 0);
  while (started != 3) usleep(1000);
  ready("set");
  stage = 2;
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  pass();
}

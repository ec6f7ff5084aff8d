// A thread that ends after the checkpoint wakes who joins it, through the address set by set_tid_address(2).
#include "victim.h"
#include <sys/prctl.h>

static volatile int stage;
static char token;

static void *worker(void *result) {
  stage = 1;
  while (stage != 2) usleep(1000);
  return result;
}

int main(void) {
  victim_start();
  int *before = NULL, *after = NULL;
  check(prctl(PR_GET_TID_ADDRESS, &before) == 0 && before != NULL, "%m");
  pthread_t thread;
  check(pthread_create(&thread, NULL, worker, &token) == 0);
  while (stage != 1) usleep(1000);
  ready("running");
  check(prctl(PR_GET_TID_ADDRESS, &after) == 0 && after == before, "%p became %p", (void *)before, (void *)after);
  stage = 2;
  void *result = NULL;
  check(pthread_join(thread, &result) == 0 && result == &token);
  pass();
}

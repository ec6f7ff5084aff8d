// Names of threads come back, the leader's and another's, with bytes that /proc escapes.
#include "victim.h"
#include <sys/prctl.h>

static volatile int stage;

static void *worker(void *unused) {
  (void)unused;
  check(prctl(PR_SET_NAME, "a\nb (c) \\") == 0);
  stage = 1;
  while (stage != 2) usleep(1000);
  char name[16];
  prctl(PR_GET_NAME, name);
  check(strcmp(name, "a\nb (c) \\") == 0, "thread is %s", name);
  return NULL;
}

int main(void) {
  victim_start();
  pthread_t thread;
  check(pthread_create(&thread, NULL, worker, NULL) == 0);
  while (stage != 1) usleep(1000);
  check(prctl(PR_SET_NAME, "fifteen-letters") == 0);
  ready("named");
  char name[16];
  prctl(PR_GET_NAME, name);
  check(strcmp(name, "fifteen-letters") == 0, "leader is %s", name);
  stage = 2;
  pthread_join(thread, NULL);
  pass();
}

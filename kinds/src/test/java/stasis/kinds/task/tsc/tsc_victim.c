// A thread that may not read the time stamp counter still may not, and its neighbour still may.
#include "victim.h"
#include <sys/prctl.h>

static volatile int stage;

static void *worker(void *unused) {
  (void)unused;
#ifdef __x86_64__
  check(prctl(PR_SET_TSC, PR_TSC_SIGSEGV) == 0, "%m");
#endif
  stage = 1;
  while (stage != 2) usleep(1000);
#ifdef __x86_64__
  int mode = 0;
  check(prctl(PR_GET_TSC, &mode) == 0 && mode == PR_TSC_SIGSEGV, "mode %d", mode);
#endif
  return NULL;
}

int main(void) {
  victim_start();
  pthread_t thread;
  check(pthread_create(&thread, NULL, worker, NULL) == 0);
  while (stage != 1) usleep(1000);
  ready("set");
#ifdef __x86_64__
  int mode = 0;
  check(prctl(PR_GET_TSC, &mode) == 0 && mode == PR_TSC_ENABLE, "mode %d", mode);
  __builtin_ia32_rdtsc();
#endif
  stage = 2;
  pthread_join(thread, NULL);
  pass();
}

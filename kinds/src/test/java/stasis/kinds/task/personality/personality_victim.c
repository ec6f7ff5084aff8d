// The personality comes back, each thread's its own.
#include "victim.h"
#include <sys/personality.h>

static volatile int stage;

static void *worker(void *unused) {
  (void)unused;
  check(personality(ADDR_NO_RANDOMIZE | MMAP_PAGE_ZERO) >= 0);
  stage = 1;
  while (stage != 2) usleep(1000);
  int now = personality(0xffffffff);
  check(now == (ADDR_NO_RANDOMIZE | MMAP_PAGE_ZERO), "worker has %x", now);
  return NULL;
}

int main(void) {
  victim_start();
  int before = personality(0xffffffff);
  pthread_t thread;
  check(pthread_create(&thread, NULL, worker, NULL) == 0);
  while (stage != 1) usleep(1000);
  check(personality(before | UNAME26) >= 0);
  ready("set");
  check(personality(0xffffffff) == (before | UNAME26), "leader has %x", personality(0xffffffff));
  stage = 2;
  pthread_join(thread, NULL);
  pass();
}

// Registrations for membarrier(2) come back: the barriers work without registering anew.
#include "victim.h"

static volatile int stage;

static void *worker(void *unused) {
  while (stage != 2) usleep(1000);
  return unused;
}

int main(void) {
  victim_start();
  pthread_t thread;
  check(pthread_create(&thread, NULL, worker, NULL) == 0);
  ready("none");
  check(syscall(SYS_membarrier, 8, 0, 0) == -1 && errno == EPERM, "private: %m");
  check(syscall(SYS_membarrier, 16, 0, 0) == 0 && syscall(SYS_membarrier, 4, 0, 0) == 0, "%m");
  long before = syscall(SYS_membarrier, 512, 0, 0);
  ready("registered");
  check(syscall(SYS_membarrier, 512, 0, 0) == before, "%lx, was %lx", syscall(SYS_membarrier, 512, 0, 0), before);
  check(syscall(SYS_membarrier, 8, 0, 0) == 0, "private: %m");
  stage = 2;
  pthread_join(thread, NULL);
  pass();
}

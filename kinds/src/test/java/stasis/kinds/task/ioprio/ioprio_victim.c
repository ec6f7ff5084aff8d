// I/O priorities come back, each thread's its own.
#include "victim.h"

static volatile int stage;

static void *worker(void *unused) {
  (void)unused;
  check(syscall(SYS_ioprio_set, 1, 0, (3 << 13)) == 0, "%m");
  stage = 1;
  while (stage != 2) usleep(1000);
  check(syscall(SYS_ioprio_get, 1, 0) == (3 << 13), "worker has %lx", syscall(SYS_ioprio_get, 1, 0));
  return NULL;
}

int main(void) {
  victim_start();
  pthread_t thread;
  check(pthread_create(&thread, NULL, worker, NULL) == 0);
  while (stage != 1) usleep(1000);
  check(syscall(SYS_ioprio_set, 1, 0, (2 << 13) | 6) == 0, "%m");
  ready("set");
  check(syscall(SYS_ioprio_get, 1, 0) == ((2 << 13) | 6), "leader has %lx", syscall(SYS_ioprio_get, 1, 0));
  stage = 2;
  pthread_join(thread, NULL);
  pass();
}

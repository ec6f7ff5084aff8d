// Says what its clocks show at each label, seconds and nanoseconds: CLOCK_MONOTONIC, CLOCK_BOOTTIME. They never run
// backwards, by the vdso or by a call, in any thread.
#include "victim.h"

static volatile int ending;

static long now(clockid_t clock, int by_call) {
  struct timespec time;
  check((by_call ? syscall(SYS_clock_gettime, clock, &time) : clock_gettime(clock, &time)) == 0, "%m");
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void *watch(void *unused) {
  (void)unused;
  for (long monotonic = 0, boottime = 0; !ending; usleep(500)) {
    for (int by_call = 0; by_call < 2; by_call++) {
      long m = now(CLOCK_MONOTONIC, by_call), b = now(CLOCK_BOOTTIME, by_call);
      check(m >= monotonic && b >= boottime, "%ld after %ld, %ld after %ld", m, monotonic, b, boottime);
      monotonic = m;
      boottime = b;
    }
  }
  return NULL;
}

int main(void) {
  victim_start();
  pthread_t thread;
  check(pthread_create(&thread, NULL, watch, NULL) == 0);
  for (int i = 0; i < 4; i++) {
    char label[8];
    snprintf(label, sizeof label, "%d", i);
    ready(label);
    printf("%ld %ld\n", now(CLOCK_MONOTONIC, 0), now(CLOCK_BOOTTIME, 1));
    fflush(stdout);
  }
  ending = 1;
  pthread_join(thread, NULL);
  pass();
}

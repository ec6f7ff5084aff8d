// A thread reads the clock without a pause. At a label it begins anew; at the end it prints the largest gap it saw, ns.
#include "victim.h"

static volatile int ending;
static volatile long largest;

static long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void *spin(void *unused) {
  (void)unused;
  for (long last = now(), next; !ending; last = next) {
    next = now();
    if (next - last > largest) largest = next - last;
  }
  return NULL;
}

int main(void) {
  victim_start();
  pthread_t thread;
  check(pthread_create(&thread, NULL, spin, NULL) == 0);
  for (int i = 0; i < 7; i++) {
    char label[8];
    snprintf(label, sizeof label, "%d", i);
    largest = 0;
    ready(label);
    printf("%ld\n", largest);
    fflush(stdout);
  }
  ending = 1;
  pthread_join(thread, NULL);
  pass();
}

// Threads in timed waits of six seconds, each of another kind, none of which may end early, late or with EINTR.
#include "victim.h"

#include <linux/futex.h>
#include <poll.h>

#define SECONDS 6
#define SLACK_NS 4000000000L // for the time it is frozen or gone, on a busy machine

static int words[2];

static long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void *wait_for(void *kind) {
  struct timespec length = {SECONDS, 0}, left, end;
  long began = now_ns(), r = -1, wanted = 0;
  switch ((long)kind) {
    case 0: r = syscall(SYS_nanosleep, &length, NULL); break;
    case 1: r = syscall(SYS_nanosleep, &length, &left); break;
    case 2: r = syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &length, NULL); break;
    case 3: r = syscall(SYS_clock_nanosleep, CLOCK_REALTIME, 0, &length, &left); break;
    case 4: r = syscall(SYS_poll, NULL, 0, SECONDS * 1000); break;
    case 5:
      r = syscall(SYS_futex, &words[0], FUTEX_WAIT, 0, &length, NULL, 0);
      r = r == -1 && errno == ETIMEDOUT ? 0 : r;
      break;
    case 6:
      clock_gettime(CLOCK_MONOTONIC, &end);
      end.tv_sec += SECONDS;
      r = syscall(SYS_futex, &words[1], FUTEX_WAIT_BITSET, 0, &end, NULL, FUTEX_BITSET_MATCH_ANY);
      r = r == -1 && errno == ETIMEDOUT ? 0 : r;
      break;
  }
  long took = now_ns() - began;
  check(r == wanted, "wait %ld gave %ld: %m", (long)kind, r);
  check(took >= SECONDS * 1000000000L, "wait %ld ended after %ld ns", (long)kind, took);
  check(took < SECONDS * 1000000000L + SLACK_NS, "wait %ld took %ld ns", (long)kind, took);
  return NULL;
}

int main(void) {
  victim_start();
  pthread_t threads[7];
  for (long kind = 0; kind < 7; kind++) check(pthread_create(&threads[kind], NULL, wait_for, (void *)kind) == 0);
  usleep(200000);
  ready_begin("waiting");
  for (int kind = 0; kind < 7; kind++) check(pthread_join(threads[kind], NULL) == 0);
  check(ready_done("waiting"), "the test has not said go");
  pass();
}

// Interval timers come back with the time they have left, and a periodic one whose SIGALRM waits goes on when it is taken.
#include "victim.h"
#include <sys/time.h>

static void left(int which, long low, long high, long interval) {
  struct itimerval now;
  check(getitimer(which, &now) == 0);
  long us = now.it_value.tv_sec * 1000000 + now.it_value.tv_usec;
  long every = now.it_interval.tv_sec * 1000000 + now.it_interval.tv_usec;
  check(us >= low && us <= high && every == interval, "timer %d has %ld us left of %ld", which, us, every);
}

int main(void) {
  victim_start();
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  struct itimerval far = {{5, 250000}, {1000, 500000}}, often = {{0, 50000}, {0, 50000}};
  check(setitimer(ITIMER_REAL, &far, NULL) == 0 && setitimer(ITIMER_VIRTUAL, &far, NULL) == 0 &&
        setitimer(ITIMER_PROF, &far, NULL) == 0);
  ready("armed");
  left(ITIMER_REAL, 600000000, 1000500000, 5250000);
  left(ITIMER_VIRTUAL, 990000000, 1000600000, 5250000);
  left(ITIMER_PROF, 990000000, 1000600000, 5250000);
  check(setitimer(ITIMER_REAL, &often, NULL) == 0);
  usleep(120000);
  ready("fired");
  siginfo_t info;
  struct timespec second = {1, 0};
  for (int i = 0; i < 3; i++) check(sigtimedwait(&all, &info, &second) == SIGALRM, "round %d: %m", i);
  pass();
}

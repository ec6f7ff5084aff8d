// POSIX timers come back with their ids, clocks, ways to tell and time left, and go on.
#include "victim.h"
#include <sys/prctl.h>

struct event {
  long value;
  int signal, notify, tid;
  char rest[44];
};
static int ids[6];
static volatile int stage, worker_tid;

static int create(int clock, int notify, int signal, int tid, long value) {
  struct event event = {value, signal, notify, tid, {0}};
  int id = -1;
  check(syscall(SYS_timer_create, clock, &event, &id) == 0, "clock %d: %m", clock);
  return id;
}

static void arm(int id, long value_ms, long interval_ms) {
  struct itimerspec spec = {{interval_ms / 1000, interval_ms % 1000 * 1000000},
                            {value_ms / 1000, value_ms % 1000 * 1000000}};
  check(syscall(SYS_timer_settime, id, 0, &spec, NULL) == 0, "%m");
}

static void left(int id, long low_ms, long high_ms, long interval_ms) {
  struct itimerspec now;
  check(syscall(SYS_timer_gettime, id, &now) == 0, "timer %d: %m", id);
  long ms = now.it_value.tv_sec * 1000 + now.it_value.tv_nsec / 1000000;
  long every = now.it_interval.tv_sec * 1000 + now.it_interval.tv_nsec / 1000000;
  check(ms >= low_ms && ms <= high_ms && every == interval_ms, "timer %d: %ld ms of %ld", id, ms, every);
}

static void *worker(void *unused) {
  (void)unused;
  worker_tid = (int)syscall(SYS_gettid);
  while (stage != 2) usleep(1000);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 5);
  siginfo_t info;
  struct timespec second = {2, 0};
  check(sigtimedwait(&set, &info, &second) == SIGRTMIN + 5, "%m");
  check(info.si_code == SI_TIMER && info.si_value.sival_int == 0x77, "code %d value %x", info.si_code,
        info.si_value.sival_int);
  return NULL;
}

int main(void) {
  victim_start();
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  pthread_t thread;
  check(pthread_create(&thread, NULL, worker, NULL) == 0);
  while (!worker_tid) usleep(1000);
  syscall(SYS_timer_delete, create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR2, 0, 0)); // leave a gap
  ids[0] = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR2, 0, 0x1234);
  ids[1] = create(CLOCK_REALTIME, SIGEV_NONE, 0, 0, 0);
  ids[2] = create(CLOCK_BOOTTIME, 4, SIGRTMIN + 5, worker_tid, 0x77);
  ids[3] = create(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGRTMIN + 6, 0, 1);
  ids[4] = create((~worker_tid << 3) | 6, SIGEV_SIGNAL, SIGRTMIN + 7, 0, 2);
  ids[5] = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGURG, 0, 9);
  arm(ids[0], 1000000, 5000);
  arm(ids[1], 2000000, 0);
  arm(ids[3], 500000, 0);
  arm(ids[4], 600000, 7000);
  ready("armed");
  left(ids[0], 600000, 1000000, 5000);
  left(ids[1], 1600000, 2000000, 0);
  left(ids[2], 0, 0, 0);
  left(ids[3], 490000, 500100, 0);
  left(ids[4], 590000, 600100, 7000);
  left(ids[5], 0, 0, 0);
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < i; j++) check(ids[i] != ids[j]);
  arm(ids[2], 20, 50);
  stage = 2;
  pthread_join(thread, NULL);
  check(syscall(SYS_timer_delete, ids[2]) == 0 && syscall(SYS_timer_delete, ids[4]) == 0, "%m");
  arm(ids[5], 10, 10);
  usleep(100000);
  ready("expired");
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGURG);
  struct timespec second = {1, 0};
  siginfo_t info;
  for (int i = 0; i < 3; i++) {
    check(sigtimedwait(&set, &info, &second) == SIGURG, "round %d: %m", i);
    check(info.si_code == SI_TIMER && info.si_timerid == ids[5] && info.si_value.sival_int == 9, "code %d id %d",
          info.si_code, info.si_timerid);
  }
  int fresh = create(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0, 0);
  for (int i = 0; i < 6; i++) check(i == 2 || i == 4 || fresh != ids[i]);
  check(prctl(77, 2, 0, 0, 0) == 0, "ids are still asked for");
  pass();
}

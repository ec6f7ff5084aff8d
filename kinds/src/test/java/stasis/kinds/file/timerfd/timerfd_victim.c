// Timer descriptors: clocks, one-shot and interval, absolute and relative, ticks nobody has read yet, disarmed ones.
#include "victim.h"
#include <poll.h>
#include <sys/timerfd.h>

static int timer(int clock, int flags, int settime, long value_ms, long interval_ms) {
  int fd = timerfd_create(clock, flags);
  check(fd >= 0, "clock %d: %m", clock);
  struct itimerspec spec = {{interval_ms / 1000, interval_ms % 1000 * 1000000},
                            {value_ms / 1000, value_ms % 1000 * 1000000}};
  if (settime & TFD_TIMER_ABSTIME) {
    struct timespec now;
    clock_gettime(clock, &now);
    spec.it_value.tv_sec += now.tv_sec;
    spec.it_value.tv_nsec += now.tv_nsec;
    if (spec.it_value.tv_nsec >= 1000000000) {
      spec.it_value.tv_sec++;
      spec.it_value.tv_nsec -= 1000000000;
    }
  }
  if (value_ms) check(timerfd_settime(fd, settime, &spec, NULL) == 0, "%m");
  return fd;
}

static long left_ms(int fd) {
  struct itimerspec now;
  check(timerfd_gettime(fd, &now) == 0, "%m");
  return now.it_value.tv_sec * 1000 + now.it_value.tv_nsec / 1000000;
}

static long interval_ms(int fd) {
  struct itimerspec now;
  check(timerfd_gettime(fd, &now) == 0, "%m");
  return now.it_interval.tv_sec * 1000 + now.it_interval.tv_nsec / 1000000;
}

static int cancel_flag(int fd) {
  char path[64], line[128];
  int flags = -1;
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  FILE *file = fopen(path, "re");
  check(file != NULL, "%m");
  while (fgets(line, sizeof line, file)) sscanf(line, "settime flags: %o", (unsigned *)&flags);
  fclose(file);
  return flags;
}

int main(void) {
  victim_start();
  int far = timer(CLOCK_MONOTONIC, TFD_CLOEXEC, 0, 100000, 7000);
  int boot = timer(CLOCK_BOOTTIME, 0, 0, 200000, 0);
  int wall = timer(CLOCK_REALTIME, 0, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, 300000, 0);
  int disarmed = timer(CLOCK_MONOTONIC, TFD_NONBLOCK, 0, 0, 0);
  int ticked = timer(CLOCK_MONOTONIC, 0, 0, 1, 100000);    // one tick nobody reads, the next is far
  int once = timer(CLOCK_MONOTONIC, TFD_NONBLOCK, 0, 1, 0);  // expired, unread, no longer armed
  int soon = timer(CLOCK_MONOTONIC, 0, 0, 1500, 0);
  usleep(20000);
  ready("armed");
  uint64_t ticks = 0;
  check(read(ticked, &ticks, 8) == 8 && ticks == 1, "ticks %lu", ticks);
  check(read(once, &ticks, 8) == 8 && ticks == 1, "ticks %lu: %m", ticks);
  check(read(once, &ticks, 8) == -1 && errno == EAGAIN && left_ms(once) == 0, "one-shot");
  check(left_ms(ticked) > 80000 && interval_ms(ticked) == 100000, "%ld", left_ms(ticked));
  check(left_ms(far) > 80000 && left_ms(far) < 100000 && interval_ms(far) == 7000, "%ld", left_ms(far));
  check(left_ms(boot) > 180000 && left_ms(boot) < 200000 && interval_ms(boot) == 0, "%ld", left_ms(boot));
  check(left_ms(wall) > 280000 && left_ms(wall) < 300000, "%ld", left_ms(wall));
  check(cancel_flag(wall) == (TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET), "settime flags %o", cancel_flag(wall));
  check(left_ms(disarmed) == 0 && read(disarmed, &ticks, 8) == -1 && errno == EAGAIN, "disarmed");
  check(fcntl(far, F_GETFD) == FD_CLOEXEC && fcntl(boot, F_GETFD) == 0, "descriptor flags");
  struct pollfd fires = {soon, POLLIN, 0};
  check(poll(&fires, 1, 20000) == 1 && read(soon, &ticks, 8) == 8 && ticks == 1, "soon: %m");
  pass();
}

// Soft and hard limits come back, also those that are lower than what the program already uses.
#include "victim.h"
#include <sys/resource.h>

int main(void) {
  victim_start();
  int high = fcntl(2, F_DUPFD_CLOEXEC, 900);
  check(high >= 900, "%m");
  struct rlimit before[16], after;
  for (int i = 0; i < 16; i++) {
    check(getrlimit(i, &before[i]) == 0, "%d: %m", i);
    if (i == RLIMIT_NOFILE) {
      before[i].rlim_cur = 500;
      before[i].rlim_max = 600;
    } else if (i == RLIMIT_SIGPENDING || i == RLIMIT_CORE || i == RLIMIT_FSIZE) {
      before[i].rlim_cur = 1234567;
      if (before[i].rlim_max < before[i].rlim_cur) before[i].rlim_cur = before[i].rlim_max;
    } else if (i == RLIMIT_MEMLOCK) {
      before[i].rlim_cur = before[i].rlim_max = 65536;
    } else if (i == RLIMIT_STACK) {
      before[i].rlim_cur = 4 << 20;
    }
    check(setrlimit(i, &before[i]) == 0, "%d: %m", i);
  }
  ready("set");
  for (int i = 0; i < 16; i++) {
    check(getrlimit(i, &after) == 0);
    check(after.rlim_cur == before[i].rlim_cur && after.rlim_max == before[i].rlim_max, "limit %d is %lu %lu", i,
          (unsigned long)after.rlim_cur, (unsigned long)after.rlim_max);
  }
  check(fcntl(high, F_GETFD) == FD_CLOEXEC, "fd %d: %m", high);
  check(fcntl(2, F_DUPFD, 700) == -1 && errno == EINVAL, "%m");
  pass();
}

// /proc/self/coredump_filter comes back.
#include "victim.h"

int main(void) {
  victim_start();
  int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
  check(fd >= 0 && write(fd, "0x5", strlen("0x5")) == (ssize_t)strlen("0x5"), "%m");
  close(fd);
  ready("set");
  char now[64] = "";
  fd = open("/proc/self/coredump_filter", O_RDONLY | O_CLOEXEC);
  check(fd >= 0 && read(fd, now, sizeof now - 1) > 0, "%m");
  close(fd);
  check(strcmp(now, "00000005\n") == 0, "it is %s", now);
  pass();
}

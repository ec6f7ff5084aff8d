// The nice value of the session's scheduling group comes back.
#include "victim.h"

int main(void) {
  victim_start();
  int fd = open("/proc/self/autogroup", O_RDWR | O_CLOEXEC);
  if (fd < 0 || getsid(0) != getpid()) {
    ready("set");
    pass();
  }
  check(write(fd, "5", 1) == 1, "%m");
  close(fd);
  ready("set");
  char now[128] = "";
  fd = open("/proc/self/autogroup", O_RDONLY | O_CLOEXEC);
  check(fd >= 0 && read(fd, now, sizeof now - 1) > 0, "%m");
  close(fd);
  check(strstr(now, " nice 5\n") != NULL, "it is %s", now);
  pass();
}

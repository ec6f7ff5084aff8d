// /proc/self/oom_score_adj comes back.
#include "victim.h"

int main(void) {
  victim_start();
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  check(fd >= 0 && write(fd, "123", strlen("123")) == (ssize_t)strlen("123"), "%m");
  close(fd);
  ready("set");
  char now[64] = "";
  fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
  check(fd >= 0 && read(fd, now, sizeof now - 1) > 0, "%m");
  close(fd);
  check(strcmp(now, "123\n") == 0, "it is %s", now);
  pass();
}

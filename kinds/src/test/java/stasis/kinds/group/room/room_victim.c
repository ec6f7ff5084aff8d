// A restore needs more open files than the program's own soft limit allows; it comes back all the same.
#include "victim.h"
#include <sys/resource.h>

int main(void) {
  victim_start();
  int fds[100];
  for (int i = 0; i < 100; i++) check((fds[i] = open("/dev/null", O_RDONLY)) >= 0, "%m");
  struct rlimit limit;
  check(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = 16;
  check(setrlimit(RLIMIT_NOFILE, &limit) == 0, "%m");
  close(fds[0]); // the only one a label can be said through
  ready("full");
  fds[0] = open("/dev/null", O_RDONLY);
  for (int i = 0; i < 100; i++) check(fcntl(fds[i], F_GETFD) == 0, "fd %d: %m", fds[i]);
  check(open("/dev/null", O_RDONLY) == -1 && errno == EMFILE, "%m");
  check(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 16);
  limit.rlim_cur = 1000; // so that the verdict can be written
  check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  pass();
}

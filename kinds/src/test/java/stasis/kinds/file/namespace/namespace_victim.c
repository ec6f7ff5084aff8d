// Namespaces held open lead to those the program is in, before and after.
#include "victim.h"

#include <sys/stat.h>

int main(void) {
  victim_start();
  const char *types[] = {"net", "ipc", "uts", "pid"};
  int fds[4];
  for (int i = 0; i < 4; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/ns/%s", types[i]);
    fds[i] = open(path, O_RDONLY | (i % 2 ? O_CLOEXEC : 0));
    check(fds[i] >= 0, "%s: %m", path);
  }

  ready("held");

  for (int i = 0; i < 4; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/ns/%s", types[i]);
    struct stat held, own;
    check(fstat(fds[i], &held) == 0 && stat(path, &own) == 0 && held.st_ino == own.st_ino, "%s", types[i]);
    check(fcntl(fds[i], F_GETFD) == (i % 2 ? FD_CLOEXEC : 0), "%s", types[i]);
  }
  pass();
}

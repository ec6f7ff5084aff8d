// A console opened beside standard input, output and error, through a node of its own where that may be made.
#include "victim.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

int main(void) {
  victim_start();
  const char *folder = getenv("VICTIM_DIR") ? getenv("VICTIM_DIR") : "/tmp";
  char path[4096];
  snprintf(path, sizeof path, "%s/console", folder);
  unlink(path);
  int fd = -1;
  if (mknod(path, S_IFCHR | 0600, makedev(5, 1)) == 0) fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
  int flags = fd < 0 ? 0 : fcntl(fd, F_GETFL);

  ready("opened");

  // Where there is no console, or no right to one, there is nothing to see.
  if (fd >= 0) {
    struct stat stat;
    check(fstat(fd, &stat) == 0 && stat.st_rdev == makedev(5, 1), "%lx: %m", stat.st_rdev);
    check(fcntl(fd, F_GETFL) == flags, "%o, not %o", fcntl(fd, F_GETFL), flags);
  }
  pass();
}

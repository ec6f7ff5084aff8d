// The devices null, zero, full, random and urandom, opened in each way.
#include "victim.h"
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const char *const NAMES[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
static const int WAYS[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_NONBLOCK | O_APPEND};

int main(void) {
  victim_start();
  int fds[5][4], flags[5][4];
  for (int i = 0; i < 5; i++)
    for (int k = 0; k < 4; k++) {
      fds[i][k] = open(NAMES[i], WAYS[k] | (k == 1 ? O_CLOEXEC : 0));
      check(fds[i][k] >= 0, "%s: %m", NAMES[i]);
      flags[i][k] = fcntl(fds[i][k], F_GETFL);
    }
  int twin = dup(fds[0][2]);
  // A node of its own, which is gone: only where such a one may be made.
  char node[4096];
  snprintf(node, sizeof node, "%s/null", getenv("VICTIM_DIR") ? getenv("VICTIM_DIR") : "/tmp");
  int gone = mknod(node, S_IFCHR | 0600, makedev(1, 3)) == 0 ? open(node, O_RDWR) : -1;
  unlink(node);
  ready("open");
  struct stat stat;
  check(gone < 0 || (write(gone, node, 9) == 9 && fstat(gone, &stat) == 0 && stat.st_nlink == 0), "%m");
  for (int i = 0; i < 5; i++)
    for (int k = 0; k < 4; k++) {
      check(fcntl(fds[i][k], F_GETFL) == flags[i][k], "%s %d: %o", NAMES[i], k, fcntl(fds[i][k], F_GETFL));
      check(fcntl(fds[i][k], F_GETFD) == (k == 1 ? FD_CLOEXEC : 0));
    }
  char bytes[64];
  memset(bytes, 1, sizeof bytes);
  check(read(fds[0][0], bytes, 64) == 0 && write(twin, bytes, 64) == 64, "null");
  check(read(fds[1][2], bytes, 64) == 64 && bytes[0] == 0 && bytes[63] == 0, "zero");
  check(read(fds[2][0], bytes, 64) == 64 && bytes[9] == 0, "full");
  check(write(fds[2][1], bytes, 1) == -1 && errno == ENOSPC, "full: %m");
  char more[64];
  check(read(fds[4][0], bytes, 64) == 64 && read(fds[3][0], more, 64) == 64 && memcmp(bytes, more, 64), "random");
  check(read(fds[4][1], bytes, 64) == -1 && errno == EBADF, "%m");
  pass();
}

// Open files: positions, flags, sharing by dup and by a second open, numbers far apart, files that could not be opened
// again as they are, two names of one inode, and who is to be told by signal.
#include "victim.h"
#include <sys/stat.h>

static char path[1200];

static const char *in(const char *name) {
  snprintf(path, sizeof path, "%s/%s.%d", victim_has_test() ? victim_folder : "/tmp", name, getpid());
  return path;
}

static int make(const char *name, int flags, int mode) {
  int fd = open(in(name), flags | O_CREAT, mode);
  check(fd >= 0, "%s: %m", name);
  return fd;
}

static long at(int fd) { return lseek(fd, 0, SEEK_CUR); }

int main(void) {
  victim_start();
  int file = make("file", O_RDWR | O_TRUNC, 0644);
  check(write(file, "0123456789", 10) == 10 && lseek(file, 4, SEEK_SET) == 4);
  int twin = fcntl(file, F_DUPFD_CLOEXEC, 700);
  int apart = open(in("file"), O_RDONLY | O_NOATIME);
  check(apart >= 0 && lseek(apart, 8, SEEK_SET) == 8, "%m");
  int appending = open(in("file"), O_WRONLY | O_APPEND | O_NONBLOCK);
  int syncing = open(in("file"), O_WRONLY | O_DSYNC);
  int direct = open(in("file"), O_RDONLY | O_DIRECT);
  check(appending >= 0 && syncing >= 0 && (direct >= 0 || errno == EINVAL), "%m");
  int secret = make("secret", O_RDWR, 0600);
  check(write(secret, "secret", 6) == 6 && fchmod(secret, 0) == 0);
  int read_only = make("file", O_RDONLY, 0);
  int sparse = make("sparse", O_RDWR | O_TRUNC, 0600);
  check(ftruncate(sparse, 5L << 32) == 0 && lseek(sparse, 3L << 32, SEEK_SET) == 3L << 32);
  int named = make("first", O_RDWR | O_TRUNC, 0600);
  char other[1200];
  strcpy(other, in("first"));
  check(link(other, in("second")) == 0, "%m");
  int second = open(in("second"), O_RDONLY);
  check(write(named, "linked", 6) == 6 && second >= 0);
  int renamed = make("before", O_RDWR | O_TRUNC, 0600);
  strcpy(other, in("before"));
  check(rename(other, in("after")) == 0 && write(renamed, "moved", 5) == 5);
  struct f_owner_ex owner = {F_OWNER_PGRP, getpgrp()}, found;
  check(fcntl(file, F_SETOWN_EX, &owner) == 0 && fcntl(file, F_SETSIG, SIGRTMIN + 4) == 0, "%m");
  int flags[] = {fcntl(file, F_GETFL), fcntl(apart, F_GETFL), fcntl(appending, F_GETFL), fcntl(syncing, F_GETFL),
                 direct < 0 ? 0 : fcntl(direct, F_GETFL), fcntl(read_only, F_GETFL)};
  ready("open");
  int fds[] = {file, apart, appending, syncing, direct, read_only};
  for (int i = 0; i < 6; i++)
    check(fds[i] < 0 || fcntl(fds[i], F_GETFL) == flags[i], "flags %d: %o", i, fcntl(fds[i], F_GETFL));
  check(at(file) == 4 && at(twin) == 4 && at(apart) == 8 && at(read_only) == 0, "%ld %ld", at(file), at(apart));
  check(fcntl(twin, F_GETFD) == FD_CLOEXEC && fcntl(file, F_GETFD) == 0, "descriptor flags");
  check(lseek(twin, 6, SEEK_SET) == 6 && at(file) == 6 && at(apart) == 8, "one position for both numbers");
  check(fcntl(file, F_SETFL, O_APPEND) == 0 && (fcntl(twin, F_GETFL) & O_APPEND), "one set of flags");
  check(write(appending, "ab", 2) == 2 && lseek(apart, 0, SEEK_END) == 12, "%m");
  char text[16];
  check(pread(secret, text, 6, 0) == 6 && memcmp(text, "secret", 6) == 0 && at(secret) == 6, "%m");
  check(write(read_only, "x", 1) == -1 && errno == EBADF, "%m");
  check(at(sparse) == 3L << 32 && write(sparse, "far", 3) == 3, "%ld", at(sparse));
  check(pread(second, text, 16, 0) == 6 && memcmp(text, "linked", 6) == 0, "%m");
  check(at(renamed) == 5 && access(in("after"), F_OK) == 0 && access(in("before"), F_OK) == -1, "%m");
  check(fcntl(twin, F_GETOWN_EX, &found) == 0 && found.type == F_OWNER_PGRP && found.pid == getpgrp(), "%m");
  check(fcntl(twin, F_GETSIG) == SIGRTMIN + 4);
  check(open("/dev/null", O_RDONLY) < 700, "the lowest free number");
  const char *names[] = {"file", "secret", "sparse", "first", "second", "after"};
  for (int i = 0; i < 6; i++) unlink(in(names[i]));
  pass();
}

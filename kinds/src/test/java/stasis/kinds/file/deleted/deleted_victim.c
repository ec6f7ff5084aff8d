// Deleted files: descriptions of one inode, each with its own position and flags, O_NOFOLLOW among them.
#include "victim.h"
#include <sys/stat.h>

static int reopen(const char *name, int flags) {
  int fd = open(name, flags);
  check(fd >= 0, "%s: %m", name);
  return fd;
}

int main(void) {
  victim_start();
  const char *folder = getenv("VICTIM_DIR") ? getenv("VICTIM_DIR") : "/tmp";
  char name[4096];
  snprintf(name, sizeof name, "%s/gone", folder);
  int first = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0640);
  check(first >= 0, "%m");
  int appending = reopen(name, O_WRONLY | O_APPEND | O_NOFOLLOW);
  int plain = reopen(name, O_RDONLY);
  int same = dup(first);
  check(unlink(name) == 0);
  check(write(first, "0123456789", 10) == 10);
  check(lseek(plain, 3, SEEK_SET) == 3);
  int wanted[] = {fcntl(first, F_GETFL), fcntl(appending, F_GETFL), fcntl(plain, F_GETFL)};
  check(wanted[0] & O_NOFOLLOW, "%o", wanted[0]);
  ready("gone");
  int found[] = {fcntl(first, F_GETFL), fcntl(appending, F_GETFL), fcntl(plain, F_GETFL)};
  for (int i = 0; i < 3; i++) check(found[i] == wanted[i], "flags %o, not %o", found[i], wanted[i]);
  check(access(name, F_OK) != 0 && errno == ENOENT, "its name is back");
  struct stat stat;
  check(fstat(first, &stat) == 0 && stat.st_nlink == 0 && stat.st_size == 10 && (stat.st_mode & 0777) == 0640);
  check(lseek(same, 0, SEEK_CUR) == 10 && lseek(appending, 0, SEEK_CUR) == 0 && lseek(plain, 0, SEEK_CUR) == 3);
  check(write(appending, "ab", 2) == 2);
  check(lseek(first, 8, SEEK_SET) == 8 && lseek(same, 0, SEEK_CUR) == 8);
  char tail[4];
  check(read(same, tail, 4) == 4 && memcmp(tail, "89ab", 4) == 0, "%.4s", tail);
  check(read(plain, tail, 4) == 4 && memcmp(tail, "3456", 4) == 0, "%.4s", tail);
  pass();
}

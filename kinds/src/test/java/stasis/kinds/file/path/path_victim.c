// O_PATH descriptors: of a file, a folder, a symbolic link itself, a fifo nobody opens, and a file one may not read.
#include "victim.h"
#include <sys/stat.h>

static char folder[1100];

static const char *in(const char *name) {
  static char path[2][1400];
  static int turn;
  char *to = path[turn++ % 2];
  snprintf(to, sizeof path[0], "%s/%s", folder, name);
  return to;
}

int main(void) {
  victim_start();
  snprintf(folder, sizeof folder, "%s/path.%d", victim_has_test() ? victim_folder : "/tmp", getpid());
  check(mkdir(folder, 0700) == 0, "%m");
  int made = open(in("file"), O_WRONLY | O_CREAT, 0000);
  check(write(made, "text", 4) == 4);
  close(made);
  check(symlink("file", in("link")) == 0 && mkfifo(in("fifo"), 0600) == 0, "%m");
  int file = open(in("file"), O_PATH | O_CLOEXEC), dir = open(folder, O_PATH | O_DIRECTORY);
  int link_itself = open(in("link"), O_PATH | O_NOFOLLOW), fifo = open(in("fifo"), O_PATH);
  check(file >= 0 && dir >= 0 && link_itself >= 0 && fifo >= 0, "%m");
  check(symlink("there", in("gone")) == 0, "%m");
  int gone = open(in("gone"), O_PATH | O_NOFOLLOW);
  check(gone >= 0 && lchown(in("gone"), getuid(), getgid()) == 0 && unlink(in("gone")) == 0, "%m");
  int fds[] = {file, dir, link_itself, fifo}, flags[4];
  for (int i = 0; i < 4; i++) flags[i] = fcntl(fds[i], F_GETFL);
  ready("open");
  for (int i = 0; i < 4; i++) check(fcntl(fds[i], F_GETFL) == flags[i], "flags of %d: %o", i, fcntl(fds[i], F_GETFL));
  check(fcntl(file, F_GETFD) == FD_CLOEXEC);
  char text[16];
  check(read(file, text, 1) == -1 && errno == EBADF, "%m");
  struct stat stat;
  check(fstat(file, &stat) == 0 && stat.st_size == 4 && (stat.st_mode & 0777) == 0, "%m");
  check(fstat(link_itself, &stat) == 0 && S_ISLNK(stat.st_mode), "%m");
  check(readlinkat(link_itself, "", text, sizeof text) == 4 && memcmp(text, "file", 4) == 0, "%m");
  check(fstat(gone, &stat) == 0 && S_ISLNK(stat.st_mode) && stat.st_nlink == 0, "%m");
  check(readlinkat(gone, "", text, sizeof text) == 5 && memcmp(text, "there", 5) == 0, "%m");
  check(access(in("gone"), F_OK) == -1, "the deleted one is back");
  check(fstat(fifo, &stat) == 0 && S_ISFIFO(stat.st_mode), "%m");
  check(faccessat(dir, "link", F_OK, 0) == 0, "%m");
  unlink(in("file"));
  unlink(in("link"));
  unlink(in("fifo"));
  rmdir(folder);
  pass();
}

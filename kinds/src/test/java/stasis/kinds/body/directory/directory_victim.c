// A directory that was deleted with the one above it: open twice, and entered, it stays one and the same.
#include "victim.h"

#include <sys/stat.h>
#include <sys/wait.h>

int main(void) {
  victim_start();
  const char *folder = getenv("VICTIM_DIR") ? getenv("VICTIM_DIR") : "/tmp";
  char above[2048], name[4096];
  snprintf(above, sizeof above, "%s/above", folder);
  snprintf(name, sizeof name, "%s/gone", above);
  check(mkdir(above, 0700) == 0 && mkdir(name, 0750) == 0, "%m");
  int first = open(name, O_RDONLY | O_DIRECTORY);
  int second = open(name, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
  check(first >= 0 && second >= 0 && chdir(name) == 0, "%m");
  check(rmdir(name) == 0 && rmdir(above) == 0, "%m");
  pid_t child = fork();
  struct stat stats[3];
  if (child == 0) {
    ready_wait("gone");
    check(fstat(first, &stats[0]) == 0 && stat(".", &stats[1]) == 0 && stats[0].st_ino == stats[1].st_ino, "child");
    _exit(0);
  }

  ready("gone");

  check(fstat(first, &stats[0]) == 0 && fstat(second, &stats[1]) == 0 && stat(".", &stats[2]) == 0, "%m");
  check(S_ISDIR(stats[0].st_mode) && stats[0].st_nlink == 0 && (stats[0].st_mode & 0777) == 0750, "%o, %lu links",
      stats[0].st_mode, stats[0].st_nlink);
  check(stats[0].st_ino == stats[1].st_ino && stats[0].st_ino == stats[2].st_ino, "three where one was");
  check(access(above, F_OK) != 0 && errno == ENOENT, "the one above is back");
  check(openat(first, "x", O_CREAT | O_WRONLY, 0600) < 0 && errno == ENOENT, "a file can be made in it: %m");
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "%x", status);
  pass();
}

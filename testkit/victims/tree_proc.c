// Files and folders of /proc that belong to tasks of the tree: a child has its parent's open, the parent its child's.
#include "victim.h"

#include <sys/wait.h>

static int opened(pid_t pid, const char *name, int flags) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d%s", (int)pid, name);
  int fd = open(path, O_RDONLY | flags);
  check(fd >= 0, "%s: %m", path);
  return fd;
}

static void is_of(int fd, pid_t pid) {
  char text[64] = "";
  check(pread(fd, text, 63, 0) > 0 && atoi(text) == pid, "%.20s, not %d", text, (int)pid);
}

int main(void) {
  victim_start();
  pid_t parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    int stat = opened(parent, "/stat", 0), folder = opened(parent, "", O_DIRECTORY);
    ready_wait("open");
    is_of(stat, parent);
    int again = openat(folder, "stat", O_RDONLY);
    check(again >= 0, "%m");
    is_of(again, parent);
    _exit(0);
  }
  int stat = opened(child, "/stat", O_CLOEXEC), own = opened(parent, "/task", O_DIRECTORY);
  usleep(100000);

  ready("open");

  is_of(stat, child);
  char name[32];
  snprintf(name, sizeof name, "%d/stat", (int)parent);
  int again = openat(own, name, O_RDONLY);
  check(again >= 0, "%m");
  is_of(again, parent);
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "%x", status);
  pass();
}

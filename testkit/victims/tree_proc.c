// Files and folders of /proc that belong to tasks of the tree: a child has its parent's open, the parent its child's.
// Those that tell of a number are there only while it is open, and tell again when it is opened again.
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

static int number(pid_t pid, int fd) {
  char name[32];
  snprintf(name, sizeof name, "/fdinfo/%d", fd);
  return opened(pid, name, 0);
}

static void tells(int info, long position) {
  char text[64] = "";
  check(pread(info, text, 63, 0) > 0 && atol(text + strlen("pos:")) == position, "%.20s, not %ld", text, position);
}

int main(void) {
  victim_start();
  pid_t parent = getpid();
  int late = number(parent, dup2(open("/proc/self/maps", O_RDONLY), 40)), early = number(parent, 0);
  int closed = number(parent, dup2(late, 90)), looked = number(parent, dup2(late, 91));
  close(90);
  close(91);
  char gone[64];
  snprintf(gone, sizeof gone, "/proc/%d/fdinfo/91", (int)parent);
  check(access(gone, F_OK) == -1, "%s", gone);
  check(lseek(40, 3, SEEK_SET) == 3, "%m");
  pid_t child = fork();
  if (child == 0) {
    int stat = opened(parent, "/stat", 0), folder = opened(parent, "", O_DIRECTORY);
    int theirs = number(parent, 40);
    ready_wait("open");
    is_of(stat, parent);
    int again = openat(folder, "stat", O_RDONLY);
    check(again >= 0, "%m");
    is_of(again, parent);
    tells(theirs, 3);
    _exit(0);
  }
  int stat = opened(child, "/stat", O_CLOEXEC), own = opened(parent, "/task", O_DIRECTORY);
  usleep(100000);

  ready("open");

  tells(late, 3);
  is_of(stat, child);
  char name[32];
  snprintf(name, sizeof name, "%d/stat", (int)parent);
  int again = openat(own, name, O_RDONLY);
  check(again >= 0, "%m");
  is_of(again, parent);
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "%x", status);
  check(lseek(40, 7, SEEK_SET) == 7, "%m");
  tells(late, 7);
  tells(early, 0);
  check(fcntl(90, F_GETFD) == -1 && fcntl(91, F_GETFD) == -1, "what was closed is open");
  check(dup2(40, 90) == 90 && dup2(40, 91) == 91, "%m");
  tells(closed, 7);
  tells(looked, 7);
  pass();
}

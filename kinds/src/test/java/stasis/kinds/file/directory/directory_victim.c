// Open directories: half read, shared by dup, used as the start of a path, and the working directory of nobody else; and
// some that tell of changes by a signal, to a child as well.
#include "victim.h"
#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { FILES = 400 };

struct entry {
  uint64_t inode;
  int64_t next;
  unsigned short length;
  unsigned char type;
  char name[];
};

static char seen[FILES];

// Marks what one getdents64(2) into a small buffer gives; 0 at the end.
static long some(int fd) {
  char buffer[512] __attribute__((aligned(8)));
  long got = syscall(SYS_getdents64, fd, buffer, sizeof buffer);
  check(got >= 0, "%m");
  for (long at = 0; at < got;) {
    struct entry *entry = (struct entry *)(buffer + at);
    int number;
    if (sscanf(entry->name, "f%d", &number) == 1) {
      check(!seen[number], "f%d came twice", number);
      seen[number] = 1;
    }
    at += entry->length;
  }
  return got;
}

static void touch(int folder, const char *name) {
  int fd = openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  check(fd >= 0 && close(fd) == 0, "%s: %m", name);
}

static int told(int wanted, int seconds) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 2);
  siginfo_t info = {0};
  struct timespec patience = {seconds, 0};
  return sigtimedwait(&set, &info, &patience) == SIGRTMIN + 2 && info.si_fd == wanted;
}

static int watched(const char *path, unsigned long what) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check(fd >= 0 && fcntl(fd, F_SETSIG, SIGRTMIN + 2) == 0 && fcntl(fd, F_NOTIFY, what) == 0, "%m");
  return fd;
}

// One goes on telling, one tells once, one is a child's own, and one has told.
static void tells(const char *folder) {
  char path[1300];
  snprintf(path, sizeof path, "%s/told", folder);
  check(mkdir(path, 0700) == 0, "%m");
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 2);
  check(sigprocmask(SIG_BLOCK, &set, NULL) == 0, "%m");
  int spent = watched(path, DN_CREATE);
  touch(spent, "before");
  check(told(spent, 10), "%m");
  int often = watched(path, DN_CREATE | DN_DELETE | DN_MULTISHOT), said[2], go[2];
  check(pipe(said) == 0 && pipe(go) == 0, "%m");
  pid_t child = fork();
  if (child == 0) {
    int own = watched(path, DN_RENAME);
    char byte;
    check(write(said[1], "", 1) == 1 && read(go[0], &byte, 1) == 1, "%m");
    check(told(own, 10), "a child is not told: %m");
    _exit(0);
  }
  char byte;
  check(read(said[0], &byte, 1) == 1, "%m");
  ready("told");
  check(!told(spent, 0), "one that has told, tells");
  for (int i = 0; i < 2; i++) {
    touch(often, i ? "second" : "first");
    check(told(often, 10), "%d: %m", i);
  }
  check(renameat(often, "first", often, "third") == 0 && write(go[1], "", 1) == 1, "%m");
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "%x", status);
  check(unlinkat(often, "second", 0) == 0 && told(often, 10), "%m");
  check(unlinkat(often, "third", 0) == 0 && unlinkat(often, "before", 0) == 0 && rmdir(path) == 0, "%m");
  close(often);
  close(spent);
}

int main(void) {
  victim_start();
  char folder[1200], name[1300];
  snprintf(folder, sizeof folder, "%s/directory.%d", victim_has_test() ? victim_folder : "/tmp", getpid());
  check(mkdir(folder, 0700) == 0, "%m");
  tells(folder);
  for (int i = 0; i < FILES; i++) {
    snprintf(name, sizeof name, "%s/f%d", folder, i);
    close(open(name, O_WRONLY | O_CREAT, 0600));
  }
  int half = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), twin = dup(half);
  int fresh = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), done = open(folder, O_RDONLY | O_DIRECTORY);
  check(half >= 0 && fresh >= 0 && done >= 0, "%m");
  while (some(done) > 0) continue;
  memset(seen, 0, sizeof seen);
  for (int i = 0; i < 5; i++) check(some(half) > 0);
  long position = lseek(half, 0, SEEK_CUR);
  int flags = fcntl(fresh, F_GETFL);
  ready("half-read");
  check(lseek(twin, 0, SEEK_CUR) == position && lseek(fresh, 0, SEEK_CUR) == 0, "%ld", (long)lseek(twin, 0, SEEK_CUR));
  check(fcntl(half, F_GETFD) == FD_CLOEXEC && fcntl(fresh, F_GETFL) == flags, "flags");
  check(some(done) == 0, "read to its end");
  some(twin);
  while (some(half) > 0) continue;
  int count = 0;
  for (int i = 0; i < FILES; i++) count += seen[i];
  check(count == FILES, "%d of %d names", count, FILES);
  int below = openat(fresh, "f7", O_RDONLY);
  check(below >= 0, "%m");
  check(fchdir(fresh) == 0 && access("f8", F_OK) == 0, "%m");
  for (int i = 0; i < FILES; i++) {
    snprintf(name, sizeof name, "%s/f%d", folder, i);
    unlink(name);
  }
  rmdir(folder);
  pass();
}

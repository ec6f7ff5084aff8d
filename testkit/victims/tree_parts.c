// Processes that share a table of files, or working directory, root and umask: with their parent, and with a brother
// alone when their parent has taken another.
#include "victim.h"
#include <linux/kcmp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { FILES, FIRST, SECOND, ALONE, CHILDREN };

static struct {
  volatile int phase, done[CHILDREN];
} *common;

static int same(int type, pid_t a, pid_t b) { return syscall(SYS_kcmp, a, b, type, 0, 0) == 0; }

static void until(volatile int *what, int value) {
  for (int i = 0; *what < value; i++) {
    check(i < 10000, "waited for %d", value);
    usleep(1000);
  }
}

// The next phase, when all are through this one.
static void next(void) {
  for (int i = 0; i < CHILDREN; i++) until(&common->done[i], common->phase);
  common->phase++;
}

static mode_t mask_of(void) {
  mode_t mask = umask(0);
  umask(mask);
  return mask;
}

static void child(int who) {
  char here[512];
  ready_wait("shared");
  until(&common->phase, 1);
  if (who == FILES) check(dup2(50, 51) == 51 && close(50) == 0, "what the parent opened is not here: %m");
  if (who == FIRST) check(mkdir("below", 0700) == 0 && chdir("below") == 0 && umask(0123) == 055, "chdir: %m");
  common->done[who] = 1;
  until(&common->phase, 2);
  if (who == FILES) {
    struct flock lock = {F_WRLCK, SEEK_SET, 0, 1, 0};
    check(fcntl(60, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK, "the lock of the table is in the way");
  }
  if (who == SECOND) {
    check(getcwd(here, sizeof here) && strstr(here, "/below") && mask_of() == 0123, "%s %o", here, mask_of());
  }
  if (who == ALONE) {
    check(getcwd(here, sizeof here) && !strstr(here, "/below") && mask_of() == 022, "%s %o", here, mask_of());
    struct flock lock = {F_WRLCK, SEEK_SET, 0, 1, 0};
    check(fcntl(60, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK, "the lock is gone");
    check(fcntl(51, F_GETFD) == -1 && fcntl(50, F_GETFD) == -1, "its table is its own");
  }
  common->done[who] = 2;
  _exit(0);
}

int main(void) {
  victim_start();
  common = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(common != MAP_FAILED, "mmap: %m");
  pid_t pid[CHILDREN];
  int flags[CHILDREN] = {CLONE_FILES, CLONE_FS, CLONE_FS, 0};
  umask(055);
  int locked = open("locked", O_RDWR | O_CREAT, 0600);
  check(locked >= 0 && dup2(locked, 60) == 60 && close(locked) == 0, "locked: %m");
  for (int i = 0; i < CHILDREN; i++) {
    if (i == ALONE) {
      check(unshare(CLONE_FS) == 0, "unshare: %m");
      umask(022);
    }
    pid[i] = (pid_t)syscall(SYS_clone, SIGCHLD | flags[i], NULL, NULL, NULL, NULL);
    check(pid[i] >= 0, "clone: %m");
    if (pid[i] == 0) child(i);
  }
  struct flock lock = {F_WRLCK, SEEK_SET, 0, 1, 0};
  check(fcntl(60, F_SETLK, &lock) == 0, "lock: %m");
  ready("shared");
  check(same(KCMP_FILES, getpid(), pid[FILES]) && !same(KCMP_FILES, getpid(), pid[ALONE])
        && !same(KCMP_FILES, pid[FIRST], pid[SECOND]), "files");
  check(same(KCMP_FS, pid[FIRST], pid[SECOND]) && !same(KCMP_FS, getpid(), pid[FIRST])
        && !same(KCMP_FS, getpid(), pid[ALONE]) && !same(KCMP_FS, getpid(), pid[FILES]), "fs");
  check(mask_of() == 022, "umask %o", mask_of());
  int fd = memfd_create("new", 0);
  check(fd >= 0 && dup2(fd, 50) == 50 && close(fd) == 0, "memfd: %m");
  next();
  next();
  check(fcntl(51, F_GETFD) == 0 && fcntl(50, F_GETFD) == -1, "what the child did is not here");
  for (int i = 0; i < CHILDREN; i++) {
    int status;
    check(waitpid(pid[i], &status, 0) == pid[i] && status == 0, "child %d: %x", i, status);
  }
  pass();
}

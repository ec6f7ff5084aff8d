// A process of two: the child is the tree that is looked at, its parent shares with it what SHARED says.
#include "victim.h"
#include <pty.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>

static void *map(int flags, int fd) {
  char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, flags, fd, 0);
  check(p != MAP_FAILED, "mmap: %m");
  p[0] = 1;
  return p;
}

static int child(void *unused) {
  (void)unused;
  ready_wait("shared");
  return 0;
}

int main(void) {
  victim_start();
  const char *what = getenv("SHARED") ? getenv("SHARED") : "anonymous";
  int flags = SIGCHLD, fd = -1, other = -1, slave = -1;
  void *unshare_in_child = NULL;
  if (!strcmp(what, "anonymous")) map(MAP_SHARED | MAP_ANONYMOUS, -1);
  if (!strcmp(what, "private")) unshare_in_child = map(MAP_SHARED | MAP_ANONYMOUS, -1);
  if (!strcmp(what, "memfd")) {
    check((fd = memfd_create("common", 0)) >= 0 && ftruncate(fd, 8192) == 0, "memfd: %m");
    map(MAP_SHARED, fd);
    close(fd);
  }
  if (!strcmp(what, "deleted")) {
    fd = open("gone", O_RDWR | O_CREAT, 0600);
    other = open("gone", O_RDWR);
    check(fd >= 0 && other >= 0 && unlink("gone") == 0, "gone: %m");
  }
  if (!strcmp(what, "description")) fd = memfd_create("common", 0);
  if (!strcmp(what, "terminal")) check(openpty(&fd, &slave, NULL, NULL, NULL) == 0, "openpty: %m");
  if (!strcmp(what, "files")) flags |= CLONE_FILES;
  if (!strcmp(what, "fs")) flags |= CLONE_FS;
  if (!strcmp(what, "vm")) flags |= CLONE_VM;
  if (!strcmp(what, "sighand")) flags |= CLONE_VM | CLONE_SIGHAND;
  if (!strcmp(what, "io")) {
    check(syscall(SYS_ioprio_set, 1, 0, (2 << 13) | 6) == 0, "ioprio_set: %m");
    flags |= CLONE_IO;
  }
  int segment = -1;
  if (!strcmp(what, "segment")) check((segment = shmget(IPC_PRIVATE, 8192, IPC_CREAT | 0600)) >= 0, "shmget: %m");
  static char stack[65536] __attribute__((aligned(16)));
  int pid = flags == SIGCHLD ? fork() : clone(child, stack + sizeof stack, flags, NULL);
  check(pid >= 0, "clone: %m");
  if (pid == 0) {
    if (other >= 0) close(other);
    if (slave >= 0) close(slave);
    if (unshare_in_child) munmap(unshare_in_child, 8192);
    child(NULL);
    _exit(0);
  }
  if (other >= 0 || slave >= 0) close(fd);
  ready("shared");
  int status;
  if (segment >= 0) check(shmctl(segment, IPC_RMID, NULL) == 0, "shmctl: %m");
  check(waitpid(pid, &status, 0) == pid && status == 0, "status %x: %m", status);
  pass();
}

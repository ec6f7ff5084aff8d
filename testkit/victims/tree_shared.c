// What processes share comes back shared: positions of files, shared memory, memfds, pipes with what is in them, pidfds.
#include "victim.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>

static volatile int *common;

static void await(int index, int value) {
  while (common[index] != value) usleep(1000);
}

int main(void) {
  victim_start();
  char path[1100];
  snprintf(path, sizeof path, "%s/shared.%d", victim_has_test() ? victim_folder : "/tmp", getpid());
  int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  check(write(file, "0123456789abcdef", 16) == 16 && lseek(file, 3, SEEK_SET) == 3, "%m");
  common = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int memory = memfd_create("shared", MFD_CLOEXEC);
  check(ftruncate(memory, 4096) == 0, "%m");
  char *view = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  strcpy(view, "seen by both");
  int down[2], up[2], event = eventfd(0, EFD_NONBLOCK);
  check(pipe(down) == 0 && pipe(up) == 0, "%m");
  pid_t child = fork();
  if (child == 0) {
    close(down[1]);
    close(up[0]);
    // The same file under another number, and nowhere else in this process.
    int other = fcntl(file, F_DUPFD, 77);
    close(file);
    // An epoll of its own over what it has in common with its parent.
    int epoll = epoll_create1(0);
    struct epoll_event watch = {EPOLLIN, {.u64 = 42}};
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &watch) == 0, "%m");
    check(write(up[1], "to the parent", 13) == 13, "%m");
    common[0] = 1;
    ready_wait("shared");
    char text[32] = "";
    check(read(down[0], text, 31) == 12 && !strcmp(text, "to the child"), "%s", text);
    check(lseek(other, 0, SEEK_CUR) == 3, "position");
    check(read(other, text, 4) == 4 && !memcmp(text, "3456", 4), "%.4s", text);
    common[1] = 1; // the parent reads on where we stopped
    await(2, 1);
    check(!strcmp(view, "seen by both, still"), "%s", view);
    struct epoll_event got;
    check(epoll_wait(epoll, &got, 1, 5000) == 1 && got.data.u64 == 42, "%m");
    char rest[8];
    check(read(down[0], rest, 8) == 0, "the other end is closed");
    _exit(31);
  }
  close(down[0]);
  close(up[1]);
  check(write(down[1], "to the child", 12) == 12, "%m");
  await(0, 1);
  int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
  check(pidfd >= 0, "%m");
  ready("shared");
  await(1, 1);
  char text[32] = "";
  check(read(file, text, 4) == 4 && !memcmp(text, "789a", 4), "read on: %.4s", text);
  strcat(view, ", still");
  uint64_t one = 1;
  check(write(event, &one, 8) == 8, "%m");
  common[2] = 1;
  check(read(up[0], text, 31) == 13 && !memcmp(text, "to the parent", 13), "%s", text);
  close(down[1]);
  struct pollfd ended = {pidfd, POLLIN, 0};
  check(poll(&ended, 1, 10000) == 1, "the pidfd tells of the end");
  siginfo_t info;
  check(waitid(P_PIDFD, pidfd, &info, WEXITED) == 0 && info.si_status == 31, "status %d: %m", info.si_status);
  unlink(path);
  pass();
}

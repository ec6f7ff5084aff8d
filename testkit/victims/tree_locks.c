// Locks belong to whom they belonged: POSIX locks to a process, flock and OFD locks to a description that two share; one
// that waits for a lock gets it when it is free.
#include "victim.h"
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>

static int lock(int fd, int command, short type, long from, long length) {
  struct flock request = {.l_type = type, .l_whence = SEEK_SET, .l_start = from, .l_len = length};
  return fcntl(fd, command, &request);
}

static pid_t holder(int fd, long from) {
  struct flock request = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = from, .l_len = 1};
  check(fcntl(fd, F_GETLK, &request) == 0, "%m");
  return request.l_type == F_UNLCK ? 0 : request.l_pid;
}

int main(void) {
  victim_start();
  char path[1100];
  snprintf(path, sizeof path, "%s/locked.%d", victim_has_test() ? victim_folder : "/tmp", getpid());
  int file = open(path, O_RDWR | O_CREAT, 0600), second = open(path, O_RDWR), third = open(path, O_RDWR);
  volatile int *common = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(lock(file, F_SETLK, F_WRLCK, 0, 10) == 0, "%m");
  check(flock(second, LOCK_EX) == 0, "%m");
  check(lock(third, F_OFD_SETLK, F_WRLCK, 100, 10) == 0, "%m");
  pid_t root = getpid();
  pid_t child = fork();
  if (child == 0) {
    check(lock(file, F_SETLK, F_WRLCK, 20, 10) == 0, "%m");
    common[0] = 1;
    ready_wait("locked");
    check(holder(file, 5) == root, "0 to 10 is the parent's, not %d's", holder(file, 5));
    check(holder(file, 25) == 0, "20 to 30 is ours, not %d's", holder(file, 25));
    check(lock(third, F_OFD_SETLK, F_WRLCK, 100, 10) == 0, "the description is ours too: %m");
    common[1] = 1;
    while (common[2] == 0) usleep(1000);
    _exit(0);
  }
  pid_t waiter = fork();
  if (waiter == 0) {
    common[3] = 1;
    check(lock(file, F_SETLKW, F_WRLCK, 0, 1) == 0, "%m");
    check(common[4] == 1, "the lock came before it was free");
    _exit(0);
  }
  while (common[0] == 0 || common[3] == 0) usleep(1000);
  usleep(50000);
  ready("locked");
  while (common[1] == 0) usleep(1000);
  check(holder(file, 25) == child, "20 to 30 is the child's, not %d's", holder(file, 25));
  int stranger = open(path, O_RDWR);
  check(flock(stranger, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK, "flock is held");
  common[4] = 1;
  check(lock(file, F_SETLK, F_UNLCK, 0, 10) == 0, "%m");
  int status;
  check(waitpid(waiter, &status, 0) == waiter && status == 0, "waiter %x", status);
  common[2] = 1;
  check(waitpid(child, &status, 0) == child && status == 0, "child %x", status);
  unlink(path);
  pass();
}

// A process whose first thread has ended and whose others go on, and its child; its parent waits for it.
#include "victim.h"
#include <sys/wait.h>

static int files;
static volatile int counter;
static pid_t group;

static void *counts(void *unused) {
  for (;;) {
    counter++;
    usleep(1000);
  }
  return unused;
}

static char state_of(pid_t pid) {
  char path[64], line[512] = {0};
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY);
  check(fd >= 0 && read(fd, line, sizeof line - 1) > 0, "%s: %m", path);
  close(fd);
  return *(strrchr(line, ')') + 2);
}

static void *waits(void *unused) {
  pid_t child = fork();
  if (child == 0) {
    ready_wait("leaderless");
    _exit(getppid() == group ? 5 : 6);
  }
  while (state_of(group) != 'Z') usleep(1000);
  ready_wait("leaderless");
  int before = counter, status;
  check(getpid() == group && state_of(group) == 'Z', "leader in state %c", state_of(group));
  usleep(50000);
  check(counter > before, "the other thread stands still");
  check(lseek(files, 0, SEEK_CUR) == 3, "position");
  check(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 5, "child: %x", status);
  syscall(SYS_exit, 0); // the last but one; the counter is ended by the parent's check
  return unused;
}

int main(void) {
  victim_start();
  pid_t child = fork();
  if (child == 0) {
    group = getpid();
    files = open("leaderless", O_RDWR | O_CREAT, 0600);
    check(files >= 0 && write(files, "abc", 3) == 3, "write: %m");
    pthread_t thread;
    check(pthread_create(&thread, NULL, counts, NULL) == 0 && pthread_create(&thread, NULL, waits, NULL) == 0, "%m");
    syscall(SYS_exit, 9);
  }
  while (state_of(child) != 'Z') usleep(1000);
  usleep(20000);
  ready("leaderless");
  int status;
  check(waitpid(child, &status, WNOHANG) == 0, "it is no zombie to wait for yet");
  usleep(500000);
  kill(child, SIGTERM);
  check(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "status %x", status);
  pass();
}

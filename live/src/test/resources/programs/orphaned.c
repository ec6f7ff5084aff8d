// A child that gets a signal when its parent's thread ends (PR_SET_PDEATHSIG); the first thread of its parent, which is
// not that one, has ended.
#include "victim.h"
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static struct {
  volatile int set, go, signals;
} *common;

static void count(int signal) {
  (void)signal;
  common->signals++;
}

static void *bears(void *unused) {
  pid_t child = fork();
  if (child == 0) {
    signal(SIGUSR1, count);
    check(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0, "%m");
    common->set = 1;
    while (!common->go) usleep(1000);
    _exit(0);
  }
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "%x", status);
  exit(0);
  return unused;
}

int main(void) {
  victim_start();
  common = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(common != MAP_FAILED, "%m");
  pid_t parent = fork();
  if (parent == 0) {
    pthread_t thread;
    check(pthread_create(&thread, NULL, bears, NULL) == 0, "thread");
    syscall(SYS_exit, 0);
  }
  while (!common->set) usleep(1000);
  usleep(50000);
  ready("mapped");
  common->go = 1;
  int status;
  check(waitpid(parent, &status, 0) == parent && status == 0, "%x", status);
  check(common->signals == 0, "%d signals", common->signals);
  pass();
}

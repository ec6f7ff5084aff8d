// Waits in progress: a parent in wait4 and one in waitid, a child in pause, a stopped child. They go on waiting. Of
// another stopped child nobody has heard yet, and of one that SIGKILL ended.
#include "victim.h"
#include <sys/mman.h>
#include <sys/wait.h>

int main(void) {
  victim_start();
  volatile int *common = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t outer = fork();
  if (outer == 0) {
    pid_t inner = fork();
    if (inner == 0) {
      while (common[0] == 0) usleep(1000);
      _exit(5);
    }
    int status;
    check(waitpid(inner, &status, 0) == inner && WEXITSTATUS(status) == 5, "%x %m", status);
    _exit(6);
  }
  pid_t stopped = fork();
  if (stopped == 0) {
    raise(SIGSTOP);
    common[1] = 1;
    _exit(8);
  }
  siginfo_t info;
  check(waitid(P_PID, stopped, &info, WSTOPPED) == 0 && info.si_code == CLD_STOPPED, "%m");
  pid_t sleeper = fork();
  if (sleeper == 0) {
    pause();
    _exit(9);
  }
  pid_t unheard = fork(), killed = unheard == 0 ? 0 : fork();
  if (unheard == 0 || killed == 0) {
    pause();
    _exit(9);
  }
  check(kill(unheard, SIGSTOP) == 0 && waitid(P_PID, unheard, &info, WSTOPPED | WNOWAIT) == 0, "%m");
  check(kill(killed, SIGKILL) == 0 && waitid(P_PID, killed, &info, WEXITED | WNOWAIT) == 0, "%m");
  usleep(20000);
  ready("waiting");
  usleep(100000);
  check(common[1] == 0, "it was stopped");
  check(kill(stopped, SIGCONT) == 0, "%m");
  int status;
  check(waitpid(unheard, &status, WUNTRACED | WNOHANG) == unheard && WIFSTOPPED(status), "its stop is unheard of: %x",
        status);
  check(waitpid(unheard, &status, WUNTRACED | WNOHANG) == 0, "its stop is told twice");
  check(kill(unheard, SIGKILL) == 0 && waitpid(unheard, &status, 0) == unheard, "%m");
  check(waitpid(killed, &status, 0) == killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%x", status);
  check(waitpid(stopped, &status, 0) == stopped && WIFEXITED(status) && WEXITSTATUS(status) == 8, "%x", status);
  common[0] = 1;
  check(waitpid(outer, &status, 0) == outer && WIFEXITED(status) && WEXITSTATUS(status) == 6, "%x", status);
  check(kill(sleeper, SIGKILL) == 0 && waitpid(sleeper, &status, 0) == sleeper && WTERMSIG(status) == SIGKILL, "%x",
        status);
  pass();
}

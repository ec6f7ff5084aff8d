// A family: parents, process groups, exit signals, and two zombies with their statuses. Everyone is who they were.
#include "victim.h"
#include <sched.h>
#include <sys/wait.h>

static pid_t root;

static int child(pid_t parent, pid_t group) {
  check(getppid() == parent, "parent %d is %d", parent, getppid());
  check(getpgid(0) == group, "group %d is %d", group, getpgid(0));
  check(getsid(0) == getsid(root), "session");
  return 0;
}

int main(void) {
  victim_start();
  root = getpid();
  pid_t own = getpgid(0);
  pid_t first = fork();
  if (first == 0) {
    check(setpgid(0, 0) == 0, "%m");
    pid_t self = getpid();
    pid_t inner = fork();
    if (inner == 0) {
      ready_wait("family");
      _exit(child(self, self) + 21);
    }
    ready_wait("family");
    int status;
    check(waitpid(inner, &status, 0) == inner && WIFEXITED(status) && WEXITSTATUS(status) == 21, "inner %x", status);
    _exit(child(root, self) + 22);
  }
  check(setpgid(first, first) == 0 || errno == EACCES, "%m");
  // Joins the group of its sibling.
  pid_t second = fork();
  if (second == 0) {
    check(setpgid(0, first) == 0, "%m");
    ready_wait("family");
    _exit(child(root, first) + 23);
  }
  pid_t quiet = (pid_t)syscall(SYS_clone, 0 /* no exit signal */, 0, 0, 0, 0);
  if (quiet == 0) {
    ready_wait("family");
    _exit(child(root, own) + 24);
  }
  pid_t exited = fork();
  if (exited == 0) _exit(7);
  pid_t killed = fork();
  if (killed == 0) {
    raise(SIGTERM);
    _exit(99);
  }
  siginfo_t info;
  check(waitid(P_PID, exited, &info, WEXITED | WNOWAIT) == 0, "%m");
  check(waitid(P_PID, killed, &info, WEXITED | WNOWAIT) == 0, "%m");
  while (getpgid(second) != first) usleep(1000);
  ready("family");
  int status;
  check(waitpid(exited, &status, 0) == exited && WIFEXITED(status) && WEXITSTATUS(status) == 7, "exited %x", status);
  check(waitid(P_PID, killed, &info, WEXITED) == 0 && info.si_code == CLD_KILLED && info.si_status == SIGTERM,
        "killed: code %d status %d", info.si_code, info.si_status);
  check(waitpid(first, &status, 0) == first && WEXITSTATUS(status) == 22, "first %x", status);
  check(waitpid(second, &status, 0) == second && WEXITSTATUS(status) == 23, "second %x", status);
  check(waitpid(quiet, &status, __WCLONE) == quiet && WEXITSTATUS(status) == 24, "quiet %x: %m", status);
  check(waitpid(-1, &status, __WALL) == -1 && errno == ECHILD, "no other child: %m");
  pass();
}

// Sessions and process groups in every order: a child that stayed in the session its parent left, a group whose leader
// is gone, a session whose leader is gone, an orphan adopted by a subreaper across sessions.
#include "victim.h"
#include <sys/prctl.h>
#include <sys/wait.h>

struct told {
  pid_t pid, parent, group, session;
};
static struct told *told;

#include <sys/mman.h>

// Notes who we are, waits for the checkpoint, and compares.
static void stay(int seat) {
  told[seat] = (struct told){getpid(), getppid(), getpgid(0), getsid(0)};
  ready_wait("sessions");
  check(told[seat].pid == getpid(), "pid");
  check(told[seat].parent == getppid(), "seat %d parent %d is %d", seat, told[seat].parent, getppid());
  check(told[seat].group == getpgid(0), "seat %d group %d is %d", seat, told[seat].group, getpgid(0));
  check(told[seat].session == getsid(0), "seat %d session %d is %d", seat, told[seat].session, getsid(0));
  // Whoever ends first would change what the others see.
  while (wait(NULL) > 0) continue;
  _exit(0);
}

static void await_told(int seat) {
  while (*(volatile pid_t *)&told[seat].pid == 0) usleep(1000);
}

int main(void) {
  victim_start();
  told = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(told != MAP_FAILED);
  check(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "%m");
  // A child that leaves its session when its own child is already born into it.
  pid_t leaver = fork();
  if (leaver == 0) {
    if (fork() == 0) stay(0);
    await_told(0);
    check(setsid() == getpid(), "%m");
    if (fork() == 0) stay(1);
    await_told(1);
    stay(2);
  }
  await_told(2);
  // A group whose leader is gone.
  pid_t leader = fork();
  if (leader == 0) {
    setpgid(0, 0);
    pause();
  }
  while (getpgid(leader) != leader) usleep(1000);
  if (fork() == 0) {
    check(setpgid(0, leader) == 0, "%m");
    stay(3);
  }
  await_told(3);
  kill(leader, SIGKILL);
  check(waitpid(leader, NULL, 0) == leader, "%m");
  // A daemon: its session's leader is gone, and we have adopted it.
  pid_t middle = fork();
  if (middle == 0) {
    check(setsid() == getpid(), "%m");
    if (fork() == 0) {
      while (getppid() != told[7].pid) usleep(1000);
      stay(4);
    }
    _exit(0);
  }
  told[7].pid = getpid();
  check(waitpid(middle, NULL, 0) == middle, "%m");
  await_told(4);
  // An orphan whose session lives on.
  pid_t alive = fork();
  if (alive == 0) {
    check(setsid() == getpid(), "%m");
    pid_t between = fork();
    if (between == 0) {
      if (fork() == 0) {
        while (getppid() != told[7].pid) usleep(1000);
        stay(5);
      }
      _exit(0);
    }
    check(waitpid(between, NULL, 0) == between, "%m");
    await_told(5);
    stay(6);
  }
  await_told(6);
  ready("sessions");
  int count = 0, status;
  while (wait(&status) > 0) {
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child %x", status);
    count++;
  }
  // 2, 3, 4, 5, 6, and 0 and 1 when their parent ended first.
  check(count >= 5, "%d children", count);
  pass();
}

// Adopts the orphans of its child, as a child subreaper or as the init of a pid namespace, and counts what it is told.
// The child does a deed when the test says so: it stays, ends, or executes a program; or there is a storm of such children.
#include "victim.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { BYTES = 16 << 20 };
static volatile sig_atomic_t told, buried, strange, status;
static pid_t worker;

static void on_child(int signal) {
  int kept = errno, how;
  (void)signal;
  told++;
  for (pid_t pid; (pid = waitpid(-1, &how, WNOHANG)) > 0;) {
    if (pid == worker) buried++, status = how;
    else strange++;
  }
  errno = kept;
}

static void pause_ms(long ms) {
  struct timespec pause = {0, ms * 1000000};
  nanosleep(&pause, NULL);
}

// It has no child and has had none, as far as it can see; SIGCHLD is blocked, so one would be pending. Who looks for
// children that tell nobody sees its copy while that is read, or when nobody buried it.
static void calm(int copied) {
  sigset_t pending;
  sigpending(&pending);
  check(!sigismember(&pending, SIGCHLD), "a SIGCHLD is pending");
  check(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "%m");
  check(copied || (waitpid(-1, NULL, WNOHANG | __WALL) == -1 && errno == ECHILD), "%m");
}

static void work(const char *deed) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGCHLD, SIG_DFL);
  char *all = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(all != MAP_FAILED, "%m");
  for (size_t at = 0; at < BYTES; at += 4096) memcpy(all + at, &at, sizeof at);
  while (victim_has_test() && !ready_done("deed") && !ready_done("adopting")) pause_ms(2);
  for (size_t at = 0; at < BYTES; at += 4096) check(memcmp(all + at, &at, sizeof at) == 0, "page at %zx", at);
  if (strcmp(deed, "ends") == 0) _exit(0);
  if (strcmp(deed, "executes") == 0) execl("/proc/self/exe", "adopter", "executed", NULL);
  ready_wait("adopting");
  calm(strcmp(deed, "killed") == 0);
  _exit(0);
}

static int adopting = 1;

// Nobody of ours has changed that, for longer than we stood still.
static void still_adopting(void) {
  int is = -1;
  check(prctl(PR_GET_CHILD_SUBREAPER, &is) == 0 && is == adopting, "%d", is);
}

// One after another, each gone or another program after some milliseconds.
static void storm(void) {
  for (int round = 1; round < 20 || !ready_done("adopting"); round++) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    int before = buried;
    check(before == round - 1 && told == before && strange == 0, "%d of %d buried, told %d times, %d strangers", before,
          round - 1, told, strange);
    still_adopting();
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid_t child = worker = fork();
    check(child >= 0, "%m");
    if (child == 0) {
      signal(SIGCHLD, SIG_DFL);
      pause_ms(round % 23);
      if (round % 2) execl("/proc/self/exe", "adopter", "brief", NULL);
      calm(1);
      _exit(0);
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    while (buried == before) pause_ms(1);
    check(status == 0, "status %x", status);
  }
}

static void adopt(const char *deed, int tells) {
  struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART};
  int killed = strcmp(deed, "killed") == 0;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, NULL);
  check(sigaction(SIGCHLD, &action, NULL) == 0);
  if (strcmp(deed, "storm") == 0) {
    char *all = mmap(NULL, 2 * BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(all != MAP_FAILED, "%m");
    for (size_t at = 0; at < 2 * BYTES; at += 4096) memcpy(all + at, &at, sizeof at);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    if (tells) ready_begin("adopting");
    storm();
    return;
  }
  worker = fork();
  if (worker == 0) work(deed);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  if (tells) ready("adopting");
  else ready_wait("adopting");
  for (int i = 0; i < 10000 && !buried; i++) pause_ms(1);
  pause_ms(20);
  still_adopting();
  check(buried == 1 && status == 0, "buried %d, status %x", buried, status);
  check(killed || (told == 1 && strange == 0), "told %d times, %d strangers", told, strange);
  check(killed || (waitpid(-1, NULL, WNOHANG | __WALL) == -1 && errno == ECHILD), "%m");
}

int main(int count, char **arguments) {
  const char *role = count > 1 ? arguments[1] : "subreaper", *deed = count > 2 ? arguments[2] : "stays";
  if (strcmp(role, "executed") == 0 || strcmp(role, "brief") == 0) {
    const char *folder = getenv("VICTIM_DIR");
    if (folder) snprintf(victim_folder, sizeof victim_folder, "%s", folder);
    if (strcmp(role, "brief") == 0) pause_ms(10);
    else ready_wait("adopting");
    calm(strcmp(role, "brief") == 0);
    _exit(0);
  }
  victim_start();
  if (strcmp(role, "subreaper") == 0) {
    check(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    adopt(deed, 1);
    pass();
  }
  int how;
  long init = syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
  check(init >= 0, "%m");
  if (init == 0) {
    adopting = 0;
    check(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "%m");
    check(mount("proc", "/proc", "proc", 0, NULL) == 0, "%m");
    adopt(deed, 0);
    _exit(0);
  }
  ready("adopting");
  check(waitpid(init, &how, 0) == init && how == 0, "status %x", how);
  pass();
}

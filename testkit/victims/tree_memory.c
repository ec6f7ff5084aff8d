// Processes that are one in their memory, or in memory and signal handlers, without being threads.
#include "victim.h"
#include <linux/kcmp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

static volatile int phase, done[3], got;
static char *volatile grown;
static char stack[3][65536] __attribute__((aligned(16)));

static int same(int type, pid_t a, pid_t b) { return syscall(SYS_kcmp, a, b, type, 0, 0) == 0; }

static void until(volatile int *what, int value) {
  for (int i = 0; *what < value && i < 10000; i++) {
    struct timespec pause = {0, 1000000};
    syscall(SYS_nanosleep, &pause, NULL);
  }
  check(*what >= value, "waited for %d", value);
}

static void on(int signal) { got = signal; }

static int handler_of(int signal) {
  struct sigaction action;
  check(sigaction(signal, NULL, &action) == 0, "sigaction: %m");
  return action.sa_handler == on;
}

// Shares memory: what it maps and writes is there for all, its handlers are its own.
static int memory(void *unused) {
  (void)unused;
  until(&phase, 1);
  char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(p != MAP_FAILED, "mmap: %m");
  strcpy(p, "grown");
  grown = p;
  check(handler_of(SIGUSR2) && !handler_of(SIGHUP), "handlers of its own");
  done[0] = 1;
  until(&phase, 2);
  return 3;
}

// Shares handlers too.
static int handlers(void *unused) {
  (void)unused;
  until(&phase, 1);
  check(handler_of(SIGUSR2), "the handler is there");
  struct sigaction action = {.sa_handler = on};
  check(sigaction(SIGHUP, &action, NULL) == 0, "sigaction: %m");
  done[1] = 1;
  until(&phase, 2);
  return 4;
}

// A child of its own memory's, below one that shares.
static int parent(void *unused) {
  (void)unused;
  pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
  if (child == 0) {
    until(&done[2], 1);
    _exit(9);
  }
  until(&phase, 1);
  done[2] = 1;
  until(&phase, 2);
  kill(child, SIGKILL);
  return waitpid(child, NULL, 0) == child ? 5 : 6;
}

int main(void) {
  victim_start();
  struct sigaction action = {.sa_handler = on};
  check(sigaction(SIGUSR2, &action, NULL) == 0, "sigaction: %m");
  int (*body[3])(void *) = {memory, handlers, parent};
  int flags[3] = {CLONE_VM, CLONE_VM | CLONE_SIGHAND | CLONE_FS | CLONE_FILES, CLONE_VM};
  pid_t pid[3];
  for (int i = 0; i < 3; i++) {
    pid[i] = clone(body[i], stack[i] + sizeof stack[i], flags[i] | SIGCHLD, NULL);
    check(pid[i] > 0, "clone: %m");
  }
  ready("shared");
  for (int i = 0; i < 3; i++) check(same(KCMP_VM, getpid(), pid[i]), "memory of %d", i);
  check(same(KCMP_SIGHAND, getpid(), pid[1]) && !same(KCMP_SIGHAND, getpid(), pid[0]), "handlers");
  check(same(KCMP_FILES, getpid(), pid[1]) && same(KCMP_FS, getpid(), pid[1]), "files and fs");
  check(!same(KCMP_FILES, getpid(), pid[0]) && !same(KCMP_FS, getpid(), pid[0]), "files and fs of its own");
  phase = 1;
  for (int i = 0; i < 3; i++) until(&done[i], 1);
  check(grown && strcmp(grown, "grown") == 0, "what the other mapped");
  check(handler_of(SIGHUP), "what the other set");
  kill(pid[1], SIGUSR2);
  until(&got, SIGUSR2);
  phase = 2;
  for (int i = 0; i < 3; i++) {
    int status;
    check(waitpid(pid[i], &status, 0) == pid[i] && WEXITSTATUS(status) == i + 3, "%d: %x", i, status);
  }
  pass();
}

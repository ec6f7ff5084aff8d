// victim.h: the contract between a test and the program it checkpoints.
//
// A victim is a small C program that brings itself into a state, says so, waits to be checkpointed and restored (or
// not), and then checks itself. Everything is one header, so a victim compiles with `gcc -I testkit/victims x.c`.
//
//   #include "victim.h"
//   int main(void) {
//     victim_start();                          // first thing
//     int fd = eventfd(7, 0);
//     ready("counted");                        // tells the test; returns when the test says go
//     uint64_t n;
//     check(read(fd, &n, 8) == 8, "read: %m"); // a failed check ends the program with exit 1
//     check(n == 7, "counter is %lu", n);
//     pass();                                  // "PASS", exit 0
//   }
//
// ready() and ready_signal() first wait, for at most 0.1 s, until the victim's other threads and its descendants sleep.
//
// What the test gives: the environment variable VICTIM_DIR, an absolute folder. What it gets there: the file `status`,
// one line per event, written with one write(2) to a file opened O_APPEND for just that line, so that no descriptor
// stays open that a checkpoint would have to carry:
//   START <pid>
//   READY <label> <how>     how is `file` or `signal`: the way in which this victim wants to be told to go on
//   FAIL <file>:<line>: <condition>: <message>
//   PASS
// A program that ends without PASS or FAIL has failed.
//
// How the test says go: it makes the file `go.<label>` in the folder, and for `signal` sends SIGUSR1 to the pid after
// it. Without a test (a bare run) VICTIM_DIR is unset: labels go to stderr and nothing waits, so every victim can be
// run by hand and must pass.
//
// Ways to wait, by what the wait itself puts into the checkpoint:
//   ready(label)         clock_nanosleep of 2 ms and access(2), in turns: the ordinary way; no signal, no descriptor
//   ready_spin(label)    user code with an access(2) every 2^16 rounds: mostly caught outside the kernel
//   ready_signal(label)  rt_sigtimedwait for SIGUSR1 without a timeout; needs victim_take_signal() before any thread
//   ready_wait(label)    in a forked child: waits as ready() does, without telling the test
//   ready_begin(label) … ready_done(label)   the victim waits by itself in between (a futex, a poll, a read);
//                        ready_done(label) asks once whether the test has said go
//
// The macros check() and pass() may be used in threads and in forked children; a child that fails writes FAIL and exits
// 1, which is enough to fail the test.
#ifndef VICTIM_H
#define VICTIM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// A wait counts its polls, not the time: 2 ms each, so a test that died frees its victim after some minutes.
#ifndef VICTIM_MAX_POLLS
#define VICTIM_MAX_POLLS 150000
#endif

static char victim_folder[1024];

static inline int victim_has_test(void) { return victim_folder[0] != 0; }

// One line into `status`, whole or not at all.
static inline void victim_say(const char *format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line - 1, format, arguments);
  va_end(arguments);
  if (length > (int)sizeof line - 2) length = (int)sizeof line - 2;
  for (int i = 0; i < length; i++)
    if (line[i] == '\n') line[i] = ' ';
  line[length++] = '\n';
  if (!victim_has_test()) {
    if (write(2, line, (size_t)length) != length) _exit(3);
    return;
  }
  char path[1100];
  snprintf(path, sizeof path, "%s/status", victim_folder);
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0 || write(fd, line, (size_t)length) != length) _exit(3);
  close(fd);
}

static inline void victim_start(void) {
  const char *folder = getenv("VICTIM_DIR");
  if (folder) snprintf(victim_folder, sizeof victim_folder, "%s", folder);
  victim_say("START %d", (int)getpid());
}

// Blocks SIGUSR1 in this thread and all it makes; from here on ready_signal() may be used.
static inline void victim_take_signal(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
}

// Whether the test has said go for this label. A bare run always goes.
static inline int ready_done(const char *label) {
  if (!victim_has_test()) return 1;
  char path[1200];
  snprintf(path, sizeof path, "%s/go.%s", victim_folder, label);
  return access(path, F_OK) == 0;
}

// The text of a file, or nothing where it may not be read; without malloc, so that no heap is touched.
static inline const char *victim_text(const char *path, char *text, size_t room) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? 0 : read(fd, text, room - 1);
  if (fd >= 0) close(fd);
  text[length > 0 ? length : 0] = 0;
  return text;
}

// Whether another thread of a process, or a descendant, has a CPU or waits for one.
static inline int victim_anyone_runs(long pid, int depth) {
  char path[64], entries[4096] __attribute__((aligned(8))), text[512];
  snprintf(path, sizeof path, "/proc/%ld/task", pid);
  int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), runs = 0;
  long got;
  while (folder >= 0 && !runs && (got = syscall(SYS_getdents64, folder, entries, sizeof entries)) > 0)
    for (long at = 0; at < got && !runs; at += *(unsigned short *)(entries + at + 16)) {
      long tid = atol(entries + at + 19);
      if (tid == 0) continue;
      snprintf(path, sizeof path, "/proc/%ld/task/%ld/stat", pid, tid);
      const char *name = strrchr(victim_text(path, text, sizeof text), ')');
      runs = tid != syscall(SYS_gettid) && name != NULL && (name[2] == 'R' || name[2] == 'D');
      snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", pid, tid);
      char *child = (char *)victim_text(path, text, sizeof text), *end = child;
      for (long next = strtol(child, &end, 10); !runs && depth > 0 && end != child; next = strtol(child, &end, 10)) {
        runs = victim_anyone_runs(next, depth - 1);
        child = end;
      }
    }
  if (folder >= 0) close(folder);
  return runs;
}

// Who was just born has not done what its birth leaves to do (the signal mask after fork(3), the list of robust futexes),
// and would do it between two looks. Who runs all the time is not waited for long.
static inline void victim_settle(void) {
  struct timespec pause = {0, 1000000};
  for (int i = 0; victim_has_test() && i < 100 && victim_anyone_runs(getpid(), 4); i++) nanosleep(&pause, NULL);
}

static inline void ready_begin(const char *label) { victim_say("READY %s file", label); }

static inline void victim_forsaken(const char *label) {
  victim_say("FAIL nobody said go for %s", label);
  _exit(1);
}

static inline void ready(const char *label) {
  victim_settle();
  ready_begin(label);
  for (long polls = 0; !ready_done(label); polls++) {
    if (polls == VICTIM_MAX_POLLS) victim_forsaken(label);
    struct timespec pause = {0, 2000000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
  }
}

// Waits in a child for what the root has said to be ready for: only the root tells the test.
static inline void ready_wait(const char *label) {
  for (long polls = 0; !ready_done(label); polls++) {
    if (polls == VICTIM_MAX_POLLS) victim_forsaken(label);
    struct timespec pause = {0, 2000000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
  }
}

static inline void ready_spin(const char *label) {
  ready_begin(label);
  for (volatile uint64_t round = 1;; round++) {
    if ((round & 0xffff) == 0 && ready_done(label)) return;
    if (!victim_has_test()) return;
    if (round >> 40) victim_forsaken(label);
  }
}

static inline void ready_signal(const char *label) {
  victim_settle();
  victim_say("READY %s signal", label);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  while (!ready_done(label)) {
    siginfo_t info;
    // EINTR is no failure here: signal(7) has sigwaitinfo among the calls a stop may interrupt.
    if (sigwaitinfo(&set, &info) < 0 && errno != EINTR) {
      victim_say("FAIL sigwaitinfo for %s: %s", label, strerror(errno));
      _exit(1);
    }
  }
}

#define check(condition, ...)                                                        \
  do {                                                                               \
    if (!(condition)) victim_fail(__FILE__, __LINE__, #condition, " " __VA_ARGS__);  \
  } while (0)

__attribute__((format(printf, 4, 5), noreturn)) static inline void victim_fail(
    const char *file, int line, const char *condition, const char *format, ...) {
  int error = errno;
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  errno = error; // for %m
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  victim_say("FAIL %s:%d: %s:%s", file, line, condition, message);
  _exit(1);
}

__attribute__((noreturn)) static inline void pass(void) {
  victim_say("PASS");
  exit(0);
}

#endif

// Threads that make one another and end, as quickly as they can, in two processes: the first thread of one of them has
// ended long ago. Each generation counts; nobody is lost. A child that ends in the midst of its threads is made anew.
#include "victim.h"

#include <sys/resource.h>
#include <sys/wait.h>

#define LINES 1
// Some thousand threads a second all the same; without it who freezes them hardly comes to it on a small machine.
#define PAUSE_US 100

static volatile uint64_t generations[LINES];

static volatile pid_t parent;

static int over(void) {
  if (parent && getppid() != parent) _exit(9); // nobody who looks for a living leader would find us
  return victim_has_test() ? access("go.threads", F_OK) == 0 : generations[0] > 2000;
}

// Makes the next one and ends, detached: at any moment some are being born and some die.
static void *generation(void *line) {
  volatile uint64_t *count = line;
  uint64_t before = *count;
  if (before % 64 == 0 && over()) return NULL;
  *count = before + 1;
  usleep(PAUSE_US);
  check(*count == before + 1, "generation %lu", before);
  pthread_attr_t detached;
  pthread_t next;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&detached, 65536);
  int error = pthread_create(&next, &detached, generation, line);
  check(error == 0, "thread %lu: %s", before, strerror(error));
  pthread_attr_destroy(&detached);
  return NULL;
}

static void *joined(void *number) { return (void *)((uintptr_t)number * 3); }

// Threads that are joined, whose answers must be theirs.
static void *joining(void *unused) {
  for (uintptr_t round = 0; round % 64 || !over(); round++) {
    usleep(PAUSE_US);
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++) check(pthread_create(&threads[i], NULL, joined, (void *)(round + i)) == 0);
    for (uintptr_t i = 0; i < 3; i++) {
      void *answer;
      check(pthread_join(threads[i], &answer) == 0 && (uintptr_t)answer == (round + i) * 3, "answer %lu of round %lu",
            i, round);
    }
  }
  return unused;
}

static void *ender(void *status) {
  if ((uintptr_t)status % 2) usleep(100);
  _exit((int)(uintptr_t)status);
}

// A child with threads that ends by one of them; or whose first thread ends before the others.
static void ending(long round) {
  pid_t child = fork();
  check(child >= 0, "%m");
  if (child == 0) {
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, ender, (void *)(uintptr_t)(round % 2 + 20));
    pthread_exit(NULL);
  }
  int status;
  check(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == round % 2 + 20, "%x",
        status);
}

int main(void) {
  victim_start();
  check(setpriority(PRIO_PROCESS, 0, 15) == 0, "%m"); // a storm, but who freezes it shall come to it
  for (int line = 0; line < LINES; line++) generation((void *)&generations[line]);
  pid_t ours = getpid(), headless = fork();
  check(headless >= 0, "%m");
  if (headless == 0) {
    parent = ours;
    for (int line = 0; line < LINES; line++) generation((void *)&generations[line]);
    pthread_t thread;
    check(pthread_create(&thread, NULL, joining, NULL) == 0, "%m");
    pthread_exit(NULL);
  }
  usleep(20000);
  ready_begin("threads");
  long round = 0;
  do {
    uint64_t before = generations[0];
    ending(round++);
    for (int i = 0; generations[0] == before && !over(); i++) {
      check(i < 30000, "nobody is born any more");
      usleep(1000);
    }
  } while (!over());
  int status;
  check(waitpid(headless, &status, 0) == headless && WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", status);
  FILE *rate = fopen("rate", "w");
  if (rate) fprintf(rate, "%lu\n", generations[0]);
  pass();
}

// Threads of several processes, each in its own: they count, and are joined by their own leader.
#include "victim.h"
#include <sys/wait.h>

#define THREADS 5
static volatile int stop;
static volatile long counts[THREADS];

static void *count(void *index) {
  check(getpid() != gettid(), "a thread");
  while (!stop) {
    counts[(long)index]++;
    usleep(500);
  }
  return (void *)(long)gettid();
}

static void people(const char *label, int tell) {
  pthread_t threads[THREADS];
  for (long i = 0; i < THREADS; i++) check(pthread_create(&threads[i], NULL, count, (void *)i) == 0);
  for (long i = 0; i < THREADS; i++)
    while (counts[i] < 10) usleep(1000);
  if (tell) ready(label);
  else ready_wait(label);
  for (long i = 0; i < THREADS; i++) {
    long now = counts[i];
    for (int polls = 0; counts[i] == now; polls++) {
      check(polls < 5000, "thread %ld counts no more", i);
      usleep(1000);
    }
  }
  stop = 1;
  for (long i = 0; i < THREADS; i++) {
    void *tid;
    check(pthread_join(threads[i], &tid) == 0 && (long)tid > getpid(), "%ld", (long)tid);
  }
}

int main(void) {
  victim_start();
  pid_t children[3];
  for (int i = 0; i < 3; i++) {
    children[i] = fork();
    if (children[i] == 0) {
      people("threads", 0);
      _exit(10 + i);
    }
  }
  people("threads", 1);
  for (int i = 0; i < 3; i++) {
    int status;
    check(waitpid(children[i], &status, 0) == children[i] && WIFEXITED(status) && WEXITSTATUS(status) == 10 + i, "%x",
          status);
  }
  pass();
}

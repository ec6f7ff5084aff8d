// Threads in a futex with a mutex held, thread-local storage, names and cpu time that goes on; the main thread polls.
#include "victim.h"

#include <sys/prctl.h>

#define THREADS 24

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static int go, waiting;
static _Thread_local uint64_t own;

static void *run(void *number) {
  long n = (long)number;
  char name[16];
  snprintf(name, sizeof name, "worker %ld", n);
  pthread_setname_np(pthread_self(), name);
  own = 0x1111111111111111u * (uint64_t)(n + 1);
  long tid = syscall(SYS_gettid);
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGRTMIN + (int)n);
  pthread_sigmask(SIG_BLOCK, &mask, NULL);

  pthread_mutex_lock(&lock);
  waiting++;
  while (!go) pthread_cond_wait(&wake, &lock);
  pthread_mutex_unlock(&lock);

  check(own == 0x1111111111111111u * (uint64_t)(n + 1), "tls of thread %ld is %lx", n, own);
  check(syscall(SYS_gettid) == tid, "tid was %ld, is %ld", tid, syscall(SYS_gettid));
  char found[16];
  prctl(PR_GET_NAME, found);
  check(strcmp(found, name) == 0, "name is %s", found);
  sigset_t now;
  pthread_sigmask(SIG_BLOCK, NULL, &now);
  for (int i = 0; i < THREADS; i++)
    check(sigismember(&now, SIGRTMIN + i) == (i == n), "mask of thread %ld at %d", n, i);
  return (void *)(n * n);
}

int main(void) {
  victim_start();
  pthread_t threads[THREADS];
  for (long n = 0; n < THREADS; n++) check(pthread_create(&threads[n], NULL, run, (void *)n) == 0);
  for (int all = 0; !all;) {
    pthread_mutex_lock(&lock);
    all = waiting == THREADS;
    pthread_mutex_unlock(&lock);
  }
  ready("all-wait");
  pthread_mutex_lock(&lock);
  go = 1;
  pthread_cond_broadcast(&wake);
  pthread_mutex_unlock(&lock);
  for (long n = 0; n < THREADS; n++) {
    void *result;
    check(pthread_join(threads[n], &result) == 0);
    check((long)result == n * n, "thread %ld gave %ld", n, (long)result);
  }
  pass();
}

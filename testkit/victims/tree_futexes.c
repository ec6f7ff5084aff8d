// Locks in memory that processes share, each held by one process and waited for by two others: plain, robust, with
// priority inheritance, and both. Of the robust ones the holder ends and the first who waited is told; a semaphore and a
// condition are waited for as well.
#include "victim.h"

#include <semaphore.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define LOCKS 4
#define WAITERS 2

struct common {
  pthread_mutex_t locks[LOCKS];
  pthread_mutex_t door;
  pthread_cond_t bell;
  int rung;
  sem_t given;
  volatile int held, waiting, orphaned[LOCKS], taken[LOCKS];
};

static struct common *common;

static int is_robust(int lock) { return lock & 1; }

static void make(void) {
  for (int i = 0; i < LOCKS; i++) {
    pthread_mutexattr_t shape;
    check(pthread_mutexattr_init(&shape) == 0 && pthread_mutexattr_setpshared(&shape, PTHREAD_PROCESS_SHARED) == 0
        && pthread_mutexattr_setrobust(&shape, is_robust(i) ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED) == 0
        && pthread_mutexattr_setprotocol(&shape, i & 2 ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE) == 0
        && pthread_mutex_init(&common->locks[i], &shape) == 0, "lock %d", i);
  }
  pthread_mutexattr_t door;
  pthread_condattr_t bell;
  check(pthread_mutexattr_init(&door) == 0 && pthread_mutexattr_setpshared(&door, PTHREAD_PROCESS_SHARED) == 0
      && pthread_mutex_init(&common->door, &door) == 0 && pthread_condattr_init(&bell) == 0
      && pthread_condattr_setpshared(&bell, PTHREAD_PROCESS_SHARED) == 0
      && pthread_cond_init(&common->bell, &bell) == 0 && sem_init(&common->given, 1, 0) == 0, "door and bell");
}

// Holds all of them; at its end the robust ones are left locked.
static void holds(void) {
  for (int i = 0; i < LOCKS; i++) check(pthread_mutex_lock(&common->locks[i]) == 0, "lock %d", i);
  common->held = 1;
  ready_wait("futexes");
  for (int i = 0; i < LOCKS; i++)
    if (!is_robust(i)) check(pthread_mutex_unlock(&common->locks[i]) == 0, "unlock %d", i);
  check(pthread_mutex_lock(&common->door) == 0, "door");
  common->rung = 1;
  check(pthread_cond_broadcast(&common->bell) == 0 && pthread_mutex_unlock(&common->door) == 0, "bell");
  for (int i = 0; i < WAITERS; i++) check(sem_post(&common->given) == 0, "sem_post: %m");
  _exit(0);
}

static void *waits_for(void *number) {
  int i = (int)(long)number;
  __atomic_add_fetch(&common->waiting, 1, __ATOMIC_SEQ_CST);
  int got = pthread_mutex_lock(&common->locks[i]);
  if (got == EOWNERDEAD) {
    __atomic_add_fetch(&common->orphaned[i], 1, __ATOMIC_SEQ_CST);
    got = pthread_mutex_consistent(&common->locks[i]);
  }
  check(got == 0, "lock %d: %d", i, got);
  common->taken[i]++;
  check(pthread_mutex_unlock(&common->locks[i]) == 0, "unlock %d", i);
  return NULL;
}

static void *waits_for_bell(void *unused) {
  (void)unused;
  check(pthread_mutex_lock(&common->door) == 0, "door");
  __atomic_add_fetch(&common->waiting, 1, __ATOMIC_SEQ_CST);
  while (!common->rung) check(pthread_cond_wait(&common->bell, &common->door) == 0, "bell");
  check(pthread_mutex_unlock(&common->door) == 0, "door");
  return NULL;
}

static void waits(void) {
  pthread_t threads[LOCKS + 1];
  for (long i = 0; i < LOCKS; i++) check(pthread_create(&threads[i], NULL, waits_for, (void *)i) == 0, "thread");
  check(pthread_create(&threads[LOCKS], NULL, waits_for_bell, NULL) == 0, "thread");
  while (sem_wait(&common->given) != 0) check(errno == EINTR, "sem_wait: %m");
  for (int i = 0; i <= LOCKS; i++) check(pthread_join(threads[i], NULL) == 0, "join");
  _exit(0);
}

int main(void) {
  victim_start();
  common = mmap(NULL, sizeof *common, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(common != MAP_FAILED, "mmap: %m");
  make();
  if (fork() == 0) holds();
  while (!common->held) usleep(1000);
  for (int i = 0; i < WAITERS; i++)
    if (fork() == 0) waits();
  while (common->waiting != WAITERS * (LOCKS + 1)) usleep(1000);
  usleep(20000);
  ready("futexes");
  int status = 0;
  for (int i = 0; i <= WAITERS; i++) check(wait(&status) > 0 && status == 0, "status %x: %m", status);
  for (int i = 0; i < LOCKS; i++)
    check(common->taken[i] == WAITERS && common->orphaned[i] == is_robust(i), "lock %d: taken %d times, orphaned %d", i,
        common->taken[i], common->orphaned[i]);
  pass();
}

// A thread that ends after the checkpoint with a robust mutex locked leaves it marked as ownerless.
#include "victim.h"

static pthread_mutex_t mutex;
static volatile int stage;

static void *worker(void *unused) {
  (void)unused;
  pthread_mutex_lock(&mutex);
  stage = 1;
  while (stage != 2) usleep(1000);
  return NULL;
}

int main(void) {
  victim_start();
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&mutex, &attributes);
  pthread_t thread;
  check(pthread_create(&thread, NULL, worker, NULL) == 0);
  while (stage != 1) usleep(1000);
  ready("locked");
  void *head;
  size_t length;
  check(syscall(SYS_get_robust_list, 0, &head, &length) == 0 && head != NULL && length == 24, "list %p", head);
  stage = 2;
  pthread_join(thread, NULL);
  int result = pthread_mutex_lock(&mutex);
  check(result == EOWNERDEAD, "lock gave %d", result);
  pass();
}

// Eight threads, timers, an alternate stack and mapped files; goes on for as many labels as its argument says.
#include "victim.h"

#include <sys/mman.h>

#define PAGE 4096UL

static volatile int ending;

static void *wait(void *unused) {
  (void)unused;
  while (!ending) usleep(20000);
  return NULL;
}

int main(int count, char **arguments) {
  victim_start();
  int rounds = count > 1 ? atoi(arguments[1]) : 1;
  signal(SIGALRM, SIG_IGN);
  stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
  check(sigaltstack(&stack, NULL) == 0, "%m");
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
  timer_t timers[3];
  for (int i = 0; i < 3; i++) {
    check(timer_create(CLOCK_MONOTONIC, &event, &timers[i]) == 0, "%m");
    struct itimerspec every = {{3600, 0}, {3600 + i, 0}};
    check(timer_settime(timers[i], 0, &every, NULL) == 0, "%m");
  }
  int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
  check(fd >= 0 && ftruncate(fd, 8 * (long)PAGE) == 0, "%m");
  char *shared = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char *own = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  check(shared != MAP_FAILED && own != MAP_FAILED, "%m");
#ifdef WITH_DELETED
  int deleted = open("deleted", O_RDWR | O_CREAT | O_TRUNC, 0600);
  check(deleted >= 0 && write(deleted, "gone", 4) == 4 && unlink("deleted") == 0, "%m");
  char *away = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, deleted, 0);
  check(away != MAP_FAILED, "%m");
#endif
  pthread_t threads[7];
  for (int i = 0; i < 7; i++) check(pthread_create(&threads[i], NULL, wait, NULL) == 0);
  for (int i = 0; i < rounds; i++) {
    char label[12];
    snprintf(label, sizeof label, "%d", i);
    shared[i % (8 * (int)PAGE)] = own[i % (8 * (int)PAGE)] = (char)i;
    ready(label);
    check(shared[i % (8 * (int)PAGE)] == (char)i && own[i % (8 * (int)PAGE)] == (char)i, "round %d", i);
#ifdef WITH_DELETED
    check(memcmp(away, "gone", 4) == 0, "deleted file in round %d", i);
#endif
  }
  ending = 1;
  for (int i = 0; i < 7; i++) pthread_join(threads[i], NULL);
  pass();
}

// Alternate stacks come back: one of a thread that runs on it, one that disarms itself, and none.
#include "victim.h"

static char leaders[65536], workers[65536];
static volatile int stage;

static void *worker(void *unused) {
  (void)unused;
  stack_t stack = {.ss_sp = workers, .ss_size = sizeof workers, .ss_flags = (int)(1u << 31)};
  check(sigaltstack(&stack, NULL) == 0, "%m");
  stage = 1;
  while (stage != 2) usleep(1000);
  stack_t now;
  check(sigaltstack(NULL, &now) == 0);
  check(now.ss_sp == workers && now.ss_size == sizeof workers && now.ss_flags == (int)(1u << 31),
        "worker has %p %zu %x", now.ss_sp, now.ss_size, now.ss_flags);
  return NULL;
}

static void *bare(void *unused) {
  (void)unused;
  while (stage != 2) usleep(1000);
  stack_t now;
  check(sigaltstack(NULL, &now) == 0 && now.ss_flags == SS_DISABLE, "flags %x", now.ss_flags);
  return NULL;
}

static void on_signal(int signal) {
  (void)signal;
  char here;
  check(&here >= leaders && &here < leaders + sizeof leaders, "handler runs at %p", (void *)&here);
  ready("on-it");
  stack_t now;
  check(sigaltstack(NULL, &now) == 0);
  check(now.ss_sp == leaders && now.ss_flags == SS_ONSTACK, "on %p %x", now.ss_sp, now.ss_flags);
}

int main(void) {
  victim_start();
  stack_t stack = {.ss_sp = leaders, .ss_size = sizeof leaders};
  check(sigaltstack(&stack, NULL) == 0, "%m");
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
  check(sigaction(SIGUSR2, &action, NULL) == 0);
  pthread_t one, two;
  check(pthread_create(&one, NULL, worker, NULL) == 0 && pthread_create(&two, NULL, bare, NULL) == 0);
  while (stage != 1) usleep(1000);
  pthread_kill(pthread_self(), SIGUSR2);
  ready("off-it");
  stack_t now;
  check(sigaltstack(NULL, &now) == 0);
  check(now.ss_sp == leaders && now.ss_size == sizeof leaders && now.ss_flags == 0, "%p %x", now.ss_sp, now.ss_flags);
  pthread_kill(pthread_self(), SIGUSR2);
  stage = 2;
  pthread_join(one, NULL);
  pthread_join(two, NULL);
  pass();
}

// Waits in a signal handler, on a stack of its own, of a signal that came in a function without a frame pointer.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((noinline)) void handler(int number) {
  printf("ready %d\n", number);
  fflush(stdout);
  for (;;) {
    pause();
  }
}

__attribute__((noinline, optimize("omit-frame-pointer"))) int interrupted(volatile int *word, int count) {
  int sum = 0;
  for (int i = 0; i < count; i++) {
    *word = sum += i * count;
  }
  kill(getpid(), SIGUSR1);
  return sum + *word;
}

int main(void) {
  stack_t own = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  int word;
  if (sigaltstack(&own, NULL) || sigaction(SIGUSR1, &action, NULL)) {
    return 1;
  }
  return interrupted(&word, 7) & 1;
}

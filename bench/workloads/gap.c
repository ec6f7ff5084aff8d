// argv[1] MiB of random bytes, and a clock that is read every tenth of a millisecond: SIGUSR1 asks for the largest gap
// since it was asked before, in nanoseconds. So the program itself says how long it stood still.
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static volatile sig_atomic_t asked;

static void ask(int number) {
  (void)number;
  asked = 1;
}

int main(int argc, char **argv) {
  size_t bytes = (argc > 1 ? strtoul(argv[1], NULL, 10) : 1024) << 20;
  uint64_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return 1;
  }
  uint64_t x = 88172645463325252u;
  for (size_t i = 0; i < bytes / 8; i++) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    memory[i] = x;
  }
  signal(SIGUSR1, ask);
  puts("ready");
  fflush(stdout);
  struct timespec nap = {0, 100000};
  int64_t largest = 0;
  for (int64_t last = now(), next;; last = next) {
    nanosleep(&nap, NULL);
    next = now();
    largest = next - last > largest ? next - last : largest;
    if (asked) {
      asked = 0;
      printf("gap %lld\n", (long long) largest);
      fflush(stdout);
      largest = 0;
      next = now();
    }
  }
}

// Private anonymous memory of argv[1] MiB, half of it random, half of it text-like; at each SIGUSR1 a hundredth of it gets
// other contents: the next stretch, or with a second argument one page in each hundred.
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static const size_t PAGE = 4096, KEPT = 100;
static uint64_t x = 88172645463325252u;

static uint64_t next(void) {
  x ^= x << 13, x ^= x >> 7, x ^= x << 17;
  return x;
}

static void fill(char *page, size_t number) {
  for (size_t at = 0; at < PAGE; at += 8) {
    uint64_t word = next();
    *(uint64_t *) (page + at) = number % 2 ? word : 0x6162636465666768u + (word & 0x0303030303030303u);
  }
}

int main(int argc, char **argv) {
  size_t pages = ((argc > 1 ? strtoul(argv[1], NULL, 10) : 1024) << 20) / PAGE;
  char *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return 1;
  }
  for (size_t i = 0; i < pages; i++) {
    fill(memory + i * PAGE, i);
  }
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR1);
  sigprocmask(SIG_BLOCK, &wanted, NULL);
  for (size_t turn = 0;; turn++) {
    printf("turn %zu\n", turn);
    fflush(stdout);
    int number;
    sigwait(&wanted, &number);
    for (size_t i = 0; i < pages / KEPT; i++) {
      size_t page = argc > 2 ? i * KEPT + turn % KEPT : turn % KEPT * (pages / KEPT) + i;
      fill(memory + page * PAGE, page);
    }
  }
}

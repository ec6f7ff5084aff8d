// Threads of OpenMP that sum without end, each sum and the sum of all sums compared with what arithmetic says; after
// each step its number is entered into the file `ledger`, of which the last entry must be that of the step before.
#include "victim.h"

#include <sys/stat.h>

#define TERMS 400000UL

int main(void) {
  victim_start();
  int ledger = open("ledger", O_RDWR | O_CREAT | O_TRUNC, 0644), rounds = open("rounds", O_RDWR | O_CREAT, 0644);
  check(ledger >= 0 && rounds >= 0, "%m");
  uint64_t running = 0, step = 0;
  do {
    uint64_t sum = 0, last = 0;
    step++;
#pragma omp parallel for num_threads(4) reduction(+ : sum) schedule(dynamic, 5000)
    for (uint64_t i = 1; i <= TERMS; i++) sum += i * step;
    check(sum == step * (TERMS * (TERMS + 1) / 2), "the sum of step %lu is %lu", step, sum);
    running += sum;
    // Modulo 2^64 as well.
    check(running == (step % 2 ? (step + 1) / 2 * step : step / 2 * (step + 1)) * (TERMS * (TERMS + 1) / 2),
          "all sums at step %lu are %lu", step, running);
    struct stat now;
    check(fstat(ledger, &now) == 0 && (uint64_t)now.st_size == (step - 1) * sizeof step, "step %lu, %ld bytes", step,
          (long)now.st_size);
    check(step == 1 || (pread(ledger, &last, sizeof last, now.st_size - (off_t)sizeof last) == sizeof last
          && last == step - 1), "the step before %lu was %lu", step, last);
    check(write(ledger, &step, sizeof step) == sizeof step, "%m");
    check(pwrite(rounds, &step, sizeof step, 0) == sizeof step, "%m");
    if (step == 1) ready_begin("always");
  } while (!ready_done("always"));
  printf("operations %lu\n", step);
  pass();
}

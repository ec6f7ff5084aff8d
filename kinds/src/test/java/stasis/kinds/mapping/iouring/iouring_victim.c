// Rings of an io_uring: counters that went around several times, completions that nobody has taken, entries that were
// not submitted, requests without completions; a ring of completions that is full but for one; and all in a child that
// has it by fork(2).
#include "uring.h"

#include <sys/wait.h>

int main(void) {
  victim_start();
  struct ring ring, full;
  ring_open(&ring, 8, 0, 0);
  ring_open(&full, 4, IORING_SETUP_CQSIZE, 8);
  for (uint64_t i = 0; i < 43; i++) {
    ring_put(&ring, i);
    ring_enter(&ring, 1, 1);
    if (i < 40) ring_expect(&ring, i, 0);
  }
  for (int i = 0; i < 21; i++) {
    ring_put(&ring, 0)->flags = IOSQE_CQE_SKIP_SUCCESS;
    ring_enter(&ring, 1, 0);
  }
  // Those not taken lie around the end.
  for (uint64_t i = 0; i < 5; i++) ring_use(&full);
  for (uint64_t i = 0; i < 7; i++) {
    ring_put(&full, 70 + i);
    ring_enter(&full, 1, 1);
  }
  char byte = 0;
  int file = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  ring_read(&ring, file, &byte, 50);
  ring_put(&ring, 51);
  byte = 7;
  ready("uring-counted");
  for (uint64_t i = 40; i < 43; i++) ring_expect(&ring, i, 0);
  ring_enter(&ring, 2, 2);
  ring_expect(&ring, 50, 1);
  ring_expect(&ring, 51, 0);
  check(byte == 0, "read %d", byte);
  // One place is left; what comes then must wait and not lie over what is there.
  for (uint64_t i = 7; i < 10; i++) {
    ring_put(&full, 70 + i);
    ring_enter(&full, 1, 0);
  }
  for (uint64_t i = 0; i < 8; i++) ring_expect(&full, 70 + i, 0);
  ring_enter(&full, 0, 2);
  ring_expect(&full, 78, 0);
  ring_expect(&full, 79, 0);
  pid_t child = fork();
  check(child >= 0, "fork: %m");
  if (child == 0) {
    ready_wait("uring-shared");
    ring_put(&ring, 60);
    ring_enter(&ring, 1, 1);
    _exit(0);
  }
  usleep(20000);
  ready("uring-shared");
  int status = 0;
  check(waitpid(child, &status, 0) == child && status == 0, "the child ended with %x", status);
  ring_expect(&ring, 60, 0);
  for (uint64_t i = 0; i < 30; i++) ring_use(&ring);
  pass();
}

// An io_uring with a request that nobody completes: a poll on an eventfd that stays empty.
#include "victim.h"

#include <linux/io_uring.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

int main(void) {
  victim_start();
  struct io_uring_params params = {0};
  int ring = (int)syscall(SYS_io_uring_setup, 4, &params);
  if (ring < 0) {
    ready("none");
    pass();
  }
  int empty = eventfd(0, EFD_CLOEXEC);
  char *rings = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
  struct io_uring_sqe *entry = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
  check(rings != MAP_FAILED && entry != MAP_FAILED, "mmap: %m");
  *entry = (struct io_uring_sqe){.opcode = IORING_OP_POLL_ADD, .fd = empty, .poll32_events = POLLIN, .user_data = 7};
  __atomic_store_n((unsigned *)(rings + params.sq_off.tail), 1, __ATOMIC_RELEASE);
  check(syscall(SYS_io_uring_enter, ring, 1, 0, 0, NULL, 0) == 1, "io_uring_enter: %m");
  ready("mapped");
  check(write(empty, &(uint64_t){1}, 8) == 8, "write: %m");
  check(syscall(SYS_io_uring_enter, ring, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 0, "io_uring_enter: %m");
  check(((struct io_uring_cqe *)(rings + params.cq_off.cqes))->user_data == 7, "completion");
  pass();
}

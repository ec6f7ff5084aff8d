// A request of asynchronous I/O that nobody completes: a poll on an eventfd that stays empty.
#include "victim.h"

#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/eventfd.h>

int main(void) {
  victim_start();
  aio_context_t context = 0;
  int empty = eventfd(0, EFD_CLOEXEC);
  struct iocb poll = {.aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = (uint32_t)empty, .aio_buf = POLLIN};
  struct iocb *list[] = {&poll};
  int begun = syscall(SYS_io_setup, 1, &context) == 0 && syscall(SYS_io_submit, context, 1L, list) == 1;
  ready(begun ? "mapped" : "none");
  struct io_event event;
  check(write(empty, &(uint64_t){1}, 8) == 8, "write: %m");
  check(syscall(SYS_io_getevents, context, 1L, 1L, &event, NULL) == 1 && event.res == POLLIN, "io_getevents: %m");
  pass();
}

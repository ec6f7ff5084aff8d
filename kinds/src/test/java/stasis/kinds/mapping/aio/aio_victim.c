// Contexts for asynchronous I/O: one never used, one with events not read, one whose unread events lie around the end
// of its ring, one full, and a child that has the ring of its parent's and not the context.
#include "victim.h"

#include <linux/aio_abi.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define CONTEXTS 4
#define BIG 1500

static aio_context_t contexts[CONTEXTS];
static int file;

// Reads at `offset` of the file, under that number.
static long submit(aio_context_t context, long first, long count) {
  static struct iocb blocks[4096];
  static struct iocb *pointers[4096];
  static char byte;
  for (long i = 0; i < count; i++) {
    blocks[i] = (struct iocb){.aio_data = (uint64_t)(first + i), .aio_lio_opcode = IOCB_CMD_PREAD,
        .aio_fildes = (uint32_t)file, .aio_buf = (uintptr_t)&byte, .aio_nbytes = 1, .aio_offset = (first + i) % 8};
    pointers[i] = &blocks[i];
  }
  return syscall(SYS_io_submit, context, count, pointers);
}

static void expect(aio_context_t context, long first, long count) {
  static struct io_event events[4096];
  struct timespec none = {0, 0};
  long got = syscall(SYS_io_getevents, context, 0L, 4096L, events, &none);
  check(got == count, "%ld events, not %ld: %m", got, count);
  for (long i = 0; i < count; i++)
    check(events[i].data == (uint64_t)(first + i) && events[i].res == ((first + i) % 8 < 5 ? 1 : 0),
        "event %ld is %llu, result %lld", i, events[i].data, events[i].res);
}

// How many requests it takes until their events are read.
static long room(aio_context_t context) {
  long count = 0;
  while (submit(context, count, 1) == 1) count++;
  return count;
}

int main(void) {
  victim_start();
  file = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
  char path[1200];
  snprintf(path, sizeof path, "%s/file", victim_has_test() ? victim_folder : "/tmp");
  int made = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  check(made >= 0 && write(made, "12345", 5) == 5, "file: %m");
  dup3(made, file, O_CLOEXEC);
  close(made);
  for (int i = 0; i < CONTEXTS; i++)
    check(syscall(SYS_io_setup, i == 2 ? BIG : 10, &contexts[i]) == 0, "io_setup: %m");
  check(submit(contexts[1], 100, 7) == 7, "submit: %m");
  expect(contexts[1], 100, 7);
  check(submit(contexts[1], 200, 9) == 9, "submit: %m");
  for (int i = 0; i < 3; i++) {
    check(submit(contexts[2], i, 1000) == 1000, "submit: %m");
    expect(contexts[2], i, 1000);
  }
  check(submit(contexts[2], 50, 1100) == 1100, "submit: %m");
  long full = room(contexts[3]);
  pid_t child = fork();
  check(child >= 0, "fork: %m");
  if (child == 0) {
    unsigned *ring = (unsigned *)contexts[1];
    ready_wait("rings");
    // Header: id, slots, head, tail. It is its parent's, who has four more there.
    check(ring[1] == 127 && ring[2] % 127 == 16 && ring[3] == 20, "the child's ring: %u, %u to %u", ring[1], ring[2], ring[3]);
    check(syscall(SYS_io_getevents, contexts[1], 0L, 0L, NULL, NULL) == -1 && errno == EINVAL, "the child's context");
    _exit(0);
  }
  expect(contexts[1], 200, 9);
  check(submit(contexts[1], 300, 4) == 4, "submit: %m");
  struct timespec pause = {0, 1000000};
  ready("rings");
  nanosleep(&pause, NULL);
  expect(contexts[0], 0, 0);
  check(submit(contexts[0], 5, 3) == 3, "submit: %m");
  expect(contexts[0], 5, 3);
  int status = 0;
  expect(contexts[2], 50, 1100);
  expect(contexts[3], 0, full);
  check(room(contexts[3]) == full, "room for another %ld", full);
  expect(contexts[3], 0, full);
  check(waitpid(child, &status, 0) == child && status == 0, "the child ended with %x", status);
  expect(contexts[1], 300, 4);
  ready("read");
  for (int i = 0; i < CONTEXTS; i++) {
    expect(contexts[i], 0, 0);
    check(submit(contexts[i], i, 60) == 60, "submit: %m");
    expect(contexts[i], i, 60);
    check(syscall(SYS_io_destroy, contexts[i]) == 0, "io_destroy: %m");
  }
  unlink(path);
  pass();
}

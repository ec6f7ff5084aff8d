// io_urings of all the sorts that are carried, one for its first thread alone, and one with buffers, files and an
// eventfd registered.
#include "uring.h"

#include <sys/eventfd.h>
#include <sys/uio.h>

#define FIRST_ALONE (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_NO_SQARRAY)

static void *another(void *argument) {
  struct ring *ring = argument;
  check(syscall(SYS_io_uring_enter, ring->fd, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0) == -1 && errno == EEXIST,
      "another thread may use it");
  return NULL;
}

int main(void) {
  victim_start();
  struct ring plain, sized, alone;
  ring_open(&plain, 3, 0, 0);
  ring_open(&sized, 16, IORING_SETUP_CQSIZE | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL, 128);
  ring_open(&alone, 8, FIRST_ALONE, 0);
  for (int i = 0; i < 19; i++) ring_use(&alone);
  ring_use(&sized);
  // The kernel's own thread that reads for it stays for some seconds.
  char byte = 1;
  int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  ring_read(&plain, file, &byte, 6)->flags = IOSQE_ASYNC;
  ring_enter(&plain, 1, 1);
  ring_expect(&plain, 6, 1);
  ready("uring-worker");
  ring_use(&plain);
  ring_use(&sized);
  ring_use(&alone);
  pthread_t thread;
  check(pthread_create(&thread, NULL, another, &alone) == 0 && pthread_join(thread, NULL) == 0, "thread");

  static char bytes[2][4096];
  struct iovec buffers[3] = {{bytes[0], sizeof bytes[0]}, {NULL, 0}, {bytes[1] + 100, 50}};
  check(syscall(SYS_io_uring_register, plain.fd, IORING_REGISTER_BUFFERS, buffers, 3) == 0, "buffers: %m");
  int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  int told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  check(syscall(SYS_io_uring_register, plain.fd, IORING_REGISTER_FILES, (int[]){-1, -1, zero}, 3) == 0, "files: %m");
  check(syscall(SYS_io_uring_register, plain.fd, IORING_REGISTER_EVENTFD, &told, 1) == 0, "eventfd: %m");
  ready("uring-registered");
  uint64_t count = 0;
  check(read(told, &count, 8) == -1 && errno == EAGAIN, "told of %llu", (unsigned long long)count);
  bytes[1][120] = 7;
  struct io_uring_sqe *entry = ring_read(&plain, 2, &bytes[1][120], 9);
  entry->opcode = IORING_OP_READ_FIXED;
  entry->flags = IOSQE_FIXED_FILE;
  entry->buf_index = 2;
  ring_enter(&plain, 1, 1);
  ring_expect(&plain, 9, 1);
  check(bytes[1][120] == 0, "nothing read");
  check(read(told, &count, 8) == 8 && count == 1, "told of %llu", (unsigned long long)count);
  check(syscall(SYS_io_uring_register, plain.fd, IORING_UNREGISTER_BUFFERS, NULL, 0) == 0, "unregister: %m");
  check(syscall(SYS_io_uring_register, plain.fd, IORING_UNREGISTER_FILES, NULL, 0) == 0, "unregister: %m");
  ring_use(&plain);
  check(close(plain.fd) == 0 && close(sized.fd) == 0, "close: %m");
  pass();
}

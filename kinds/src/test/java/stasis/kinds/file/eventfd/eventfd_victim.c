// Counters of event descriptors: plain and semaphore, empty, full, shared by two numbers, and a writer that waits.
#include "victim.h"
#include <poll.h>
#include <sys/eventfd.h>

#define MOST 0xfffffffffffffffeUL

static int full;
static volatile int written;

static void *writer(void *unused) {
  uint64_t one = 1;
  check(write(full, &one, 8) == 8, "waiting write: %m");
  written = 1;
  return unused;
}

static uint64_t take(int fd) {
  uint64_t count = 0;
  check(read(fd, &count, 8) == 8, "%m");
  return count;
}

int main(void) {
  victim_start();
  int plain = eventfd(7, EFD_CLOEXEC);
  int semaphore = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK);
  int empty = eventfd(0, EFD_NONBLOCK);
  int twin = dup(plain);
  full = eventfd(0, 0);
  uint64_t most = MOST;
  check(write(full, &most, 8) == 8, "%m");
  pthread_t thread;
  check(pthread_create(&thread, NULL, writer, NULL) == 0);
  ready("counted");
  check(fcntl(plain, F_GETFD) == FD_CLOEXEC && fcntl(twin, F_GETFD) == 0, "descriptor flags");
  check(!(fcntl(plain, F_GETFL) & O_NONBLOCK) && (fcntl(semaphore, F_GETFL) & O_NONBLOCK), "flags");
  uint64_t more = 5;
  check(write(twin, &more, 8) == 8 && take(plain) == 12, "one counter under two numbers");
  for (int i = 0; i < 3; i++) check(take(semaphore) == 1, "a semaphore gives ones");
  uint64_t none;
  check(read(semaphore, &none, 8) == -1 && errno == EAGAIN, "%m");
  check(read(empty, &none, 8) == -1 && errno == EAGAIN, "%m");
  struct pollfd room = {full, POLLOUT | POLLIN, 0};
  check(poll(&room, 1, 0) == 1 && room.revents == POLLIN, "a full counter: %x", room.revents);
  check(!written, "the writer went on");
  check(take(full) == MOST, "the full counter");
  pthread_join(thread, NULL);
  check(take(full) == 1, "what the writer added");
  pass();
}

// A userfaultfd that is told of missing and of write-protected pages, with a thread that waits for a page: what is
// there, is there; what is missing, is missing; what is protected, is protected.
#include "victim.h"

#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define PAGE 4096
#define HUGE (2 << 20)

static int fd;
static char *memory;
static volatile char seen;

static void *reads(void *at) {
  seen = *(volatile char *)at;
  return NULL;
}

static void *writes(void *at) {
  *(volatile char *)at = 'w';
  return NULL;
}

static pthread_t begin(void *(*what)(void *), long page) {
  pthread_t thread;
  check(pthread_create(&thread, NULL, what, memory + page * PAGE) == 0, "pthread_create");
  return thread;
}

// The next fault must be at this page, and of this sort.
static void expect(long page, unsigned long flags) {
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  struct uffd_msg message;
  check(poll(&ready, 1, 10000) == 1 && read(fd, &message, sizeof message) == sizeof message, "no fault: %m");
  check(message.event == UFFD_EVENT_PAGEFAULT && (message.arg.pagefault.address & -PAGE) == (uintptr_t)memory + page * PAGE
      && message.arg.pagefault.flags == flags, "a fault at %llx, flags %llx",
      (unsigned long long)message.arg.pagefault.address, (unsigned long long)message.arg.pagefault.flags);
}

static void copy(long page, char what) {
  static char content[PAGE];
  memset(content, what, PAGE);
  struct uffdio_copy put = {.dst = (uintptr_t)memory + page * PAGE, .src = (uintptr_t)content, .len = PAGE};
  check(ioctl(fd, UFFDIO_COPY, &put) == 0, "UFFDIO_COPY: %m");
}

static void protect(long page, unsigned long mode) {
  struct uffdio_writeprotect change = {{(uintptr_t)memory + page * PAGE, PAGE}, mode};
  check(ioctl(fd, UFFDIO_WRITEPROTECT, &change) == 0, "UFFDIO_WRITEPROTECT: %m");
}

static void is_quiet(void) {
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  check(poll(&ready, 1, 0) == 0, "there is a fault");
}

int main(void) {
  victim_start();
  fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
  struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP};
  if (fd < 0 || ioctl(fd, UFFDIO_API, &api) != 0) {
    if (fd >= 0) close(fd);
    ready("none");
    pass();
  }
  char *wide = mmap(NULL, 3 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(wide != MAP_FAILED, "mmap: %m");
  memory = (char *)(((uintptr_t)wide + HUGE - 1) & -(long)HUGE);
  struct uffdio_register all = {.range = {(uintptr_t)memory, HUGE},
      .mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP};
  check(ioctl(fd, UFFDIO_REGISTER, &all) == 0, "UFFDIO_REGISTER: %m");
  copy(0, 'a');
  copy(1, 'b');
  struct uffdio_zeropage zero = {.range = {(uintptr_t)memory + 2 * PAGE, PAGE}};
  check(ioctl(fd, UFFDIO_ZEROPAGE, &zero) == 0, "UFFDIO_ZEROPAGE: %m");
  protect(1, UFFDIO_WRITEPROTECT_MODE_WP);
  copy(300, 'c');
  pthread_t waiting = begin(reads, 5);
  struct pollfd unread = {.fd = fd, .events = POLLIN};
  check(poll(&unread, 1, 10000) == 1, "no fault: %m");
  ready("missing");
  // Who was interrupted meets it again.
  expect(5, 0);
  copy(5, 'd');
  check(pthread_join(waiting, NULL) == 0 && seen == 'd', "read %c", seen);
  check(memory[0] == 'a' && memory[1 * PAGE] == 'b' && memory[2 * PAGE] == 0 && memory[300 * PAGE] == 'c', "content");
  is_quiet();
  for (long page = 3; page < 512; page += 101) {
    pthread_t thread = begin(reads, page);
    expect(page, 0);
    copy(page, 'e');
    check(pthread_join(thread, NULL) == 0 && seen == 'e', "read %c", seen);
  }
  pthread_t thread = begin(writes, 1);
  expect(1, UFFD_PAGEFAULT_FLAG_WRITE | UFFD_PAGEFAULT_FLAG_WP);
  protect(1, 0);
  check(pthread_join(thread, NULL) == 0 && memory[1 * PAGE] == 'w', "not written");
  memory[0] = 'x';
  memory[2 * PAGE] = 'y';
  is_quiet();
  struct uffdio_range range = all.range;
  check(ioctl(fd, UFFDIO_UNREGISTER, &range) == 0 && memory[6 * PAGE] == 0 && close(fd) == 0, "unregister: %m");
  pass();
}

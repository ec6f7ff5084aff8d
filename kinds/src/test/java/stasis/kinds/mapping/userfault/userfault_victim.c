// Memory whose writes a userfaultfd counts without stopping anybody (UFFD_FEATURE_WP_ASYNC): which pages were written
// since is told by the pagemap, before and after. A userfaultfd that is told of children is refused.
#include "victim.h"

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define PAGE 4096
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif

static int is_clean(const char *at) {
  uint64_t entry = 0;
  int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  check(pread(map, &entry, 8, (off_t)((uintptr_t)at / PAGE * 8)) == 8 && close(map) == 0, "pagemap: %m");
  return entry >> 57 & 1;
}

int main(void) {
  victim_start();
  int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
  struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_WP_ASYNC};
  if (fd < 0 || ioctl(fd, UFFDIO_API, &api) != 0) {
    if (fd >= 0) close(fd);
    ready("none");
    pass();
  }
  char *memory = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct uffdio_register all = {.range = {(uintptr_t)memory, 8 * PAGE}, .mode = UFFDIO_REGISTER_MODE_WP};
  check(memory != MAP_FAILED && ioctl(fd, UFFDIO_REGISTER, &all) == 0, "UFFDIO_REGISTER: %m");
  for (int i = 0; i < 6; i++) memory[i * PAGE] = (char)(i + 1);
  struct uffdio_writeprotect clean = {{(uintptr_t)memory, 4 * PAGE}, UFFDIO_WRITEPROTECT_MODE_WP};
  check(ioctl(fd, UFFDIO_WRITEPROTECT, &clean) == 0, "UFFDIO_WRITEPROTECT: %m");
  memory[2 * PAGE] = 9;
  ready("counting");
  for (int i = 0; i < 6; i++) {
    check(is_clean(memory + i * PAGE) == (i < 4 && i != 2), "page %d", i);
    check(memory[i * PAGE] == (i == 2 ? 9 : i + 1), "content of page %d", i);
  }
  memory[0] = 7;
  check(!is_clean(memory), "a write is not seen");
  int other = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
  struct uffdio_api children = {.api = UFFD_API, .features = UFFD_FEATURE_EVENT_FORK};
  if (other >= 0 && ioctl(other, UFFDIO_API, &children) == 0) {
    check(close(fd) == 0, "close: %m");
    ready("refused");
  }
  pass();
}

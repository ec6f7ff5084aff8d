// Memory whose missing pages a userfaultfd is told of.
#include "victim.h"

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

int main(void) {
  victim_start();
  int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
  if (fd < 0) {
    ready("none");
    pass();
  }
  struct uffdio_api api = {.api = UFFD_API};
  char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct uffdio_register range = {.range = {(uintptr_t)page, 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
  check(ioctl(fd, UFFDIO_API, &api) == 0 && ioctl(fd, UFFDIO_REGISTER, &range) == 0, "userfaultfd: %m");
  ready("mapped");
  check(ioctl(fd, UFFDIO_UNREGISTER, &range.range) == 0 && *page == 0, "unregister: %m");
  pass();
}

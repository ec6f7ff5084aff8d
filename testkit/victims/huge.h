// huge.h: room for huge pages of hugetlbfs while a victim runs. The pool may grow on demand, up to a limit that is put
// back at the end; where that may not be set and there is none, the victim says `none` and passes.
#ifndef HUGE_H
#define HUGE_H

#include "victim.h"

#include <sys/mman.h>

#define HUGE_PAGE (2UL << 20)
#define HUGE_LIMIT 64
#define HUGE_POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_overcommit_hugepages"

static long huge_before = -1;

static inline long huge_limit(long set) {
  int fd = open(HUGE_POOL, (set < 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
  char text[32] = "";
  long length = fd < 0 ? -1 : set < 0 ? read(fd, text, sizeof text - 1)
      : write(fd, text, (size_t)snprintf(text, sizeof text, "%ld", set));
  if (fd >= 0) close(fd);
  return length <= 0 ? -1 : set < 0 ? atol(text) : set;
}

static inline void huge_end(void) {
  if (huge_before >= 0 && huge_before < HUGE_LIMIT) huge_limit(huge_before);
}

// First thing after victim_start().
static inline void huge_begin(void) {
  huge_before = huge_limit(-1);
  if (huge_before >= 0 && huge_before < HUGE_LIMIT) huge_limit(HUGE_LIMIT);
  void *page = mmap(NULL, 16 * HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
  if (page == MAP_FAILED) {
    huge_end();
    ready("none");
    pass();
  }
  munmap(page, 16 * HUGE_PAGE);
}

#endif

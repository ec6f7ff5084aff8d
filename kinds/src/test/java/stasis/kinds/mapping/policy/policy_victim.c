// Memory policies of single vmas, on node 0, which every machine has; of private memory, of shared memory, and of a
// second mapping of a memfd, to which its policy comes by way of the file alone.
#include "victim.h"

#include <sys/mman.h>

#define PAGE 4096UL
#define F_ADDR 2

static const int modes[] = {1, 2, 3, 3 | 0x8000, 5 | 0x4000};
#define COUNT (sizeof modes / sizeof *modes)

static void policy(void *at, int *mode, unsigned long *nodes) {
  memset(nodes, 0, 128);
  *mode = -1;
  check(syscall(SYS_get_mempolicy, mode, nodes, 1025, at, F_ADDR) == 0, "get_mempolicy: %m");
}

int main(void) {
  victim_start();
  char *memory = mmap(NULL, (2 * COUNT + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(memory != MAP_FAILED, "mmap: %m");
  unsigned long node = 1, nodes[16];
  int set[COUNT], before[COUNT];
  for (size_t i = 0; i < COUNT; i++) {
    char *page = memory + (2 * i + 1) * PAGE;
    set[i] = syscall(SYS_mbind, page, PAGE, modes[i], &node, 65, 0) == 0;
    check(set[i] || errno == ENOSYS || errno == EINVAL, "mbind %d: %m", modes[i]);
    if (set[i]) policy(page, &before[i], nodes);
    page[0] = (char)i;
  }
  char *shared = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int fd = memfd_create("bound", 0);
  check(shared != MAP_FAILED && fd >= 0 && ftruncate(fd, PAGE) == 0, "shared: %m");
  char *first = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char *second = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  check(first != MAP_FAILED && second != MAP_FAILED, "memfd: %m");
  char *ofFiles[] = {shared + PAGE, first, second};
  int filesBefore[3];
  for (size_t i = 0; i < 2 && set[0]; i++) {
    check(syscall(SYS_mbind, ofFiles[i], PAGE, modes[1], &node, 65, 0) == 0, "mbind of shared memory: %m");
  }
  for (size_t i = 0; i < 3 && set[0]; i++) {
    policy(ofFiles[i], &filesBefore[i], nodes);
    check(filesBefore[i] == modes[1], "shared memory %zu has %x", i, filesBefore[i]);
  }
  ready("bound");
  for (size_t i = 0; i < 3 && set[0]; i++) {
    int mode;
    policy(ofFiles[i], &mode, nodes);
    check(mode == filesBefore[i] && nodes[0] == 1, "of shared memory %zu: was %x is %x", i, filesBefore[i], mode);
  }
  for (size_t i = 0; i < COUNT; i++) {
    char *page = memory + (2 * i + 1) * PAGE;
    int mode;
    check(page[0] == (char)i, "contents differ");
    if (!set[i]) continue;
    policy(page, &mode, nodes);
    check(mode == before[i] && nodes[0] == 1, "mode was %x is %x, nodes %lx", before[i], mode, nodes[0]);
  }
  int mode = 0;
  if (set[0]) policy(memory, &mode, nodes);
  check(mode == 0, "memory without a policy has %x", mode);
  pass();
}

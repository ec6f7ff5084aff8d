// Memory policies come back, each thread's its own.
#include "victim.h"

static volatile int stage;

static void is(int mode, unsigned long nodes, const char *who) {
  int now = -1;
  unsigned long mask[16] = {0};
  check(syscall(SYS_get_mempolicy, &now, mask, 1024UL, 0UL, 0UL) == 0, "%m");
  check(now == mode && mask[0] == nodes, "%s has %x of %lx", who, now, mask[0]);
}

static void *worker(void *unused) {
  (void)unused;
  check(syscall(SYS_set_mempolicy, 4, NULL, 0UL) == 0, "MPOL_LOCAL: %m");
  stage = 1;
  while (stage != 2) usleep(1000);
  is(4, 0, "worker");
  return NULL;
}

int main(void) {
  victim_start();
  if (syscall(SYS_set_mempolicy, 0, NULL, 0UL) == -1 && errno == ENOSYS) {
    ready("set");
    pass();
  }
  pthread_t thread;
  check(pthread_create(&thread, NULL, worker, NULL) == 0);
  while (stage != 1) usleep(1000);
  unsigned long node = 1;
  // Interleave over node 0, by its number whatever the cpuset says (MPOL_F_STATIC_NODES).
  check(syscall(SYS_set_mempolicy, 3 | 1 << 15, &node, 64UL) == 0, "%m");
  ready("set");
  is(3 | 1 << 15, 1, "leader");
  stage = 2;
  pthread_join(thread, NULL);
  check(syscall(SYS_set_mempolicy, 0, NULL, 0UL) == 0);
  ready("default");
  is(0, 0, "leader");
  pass();
}

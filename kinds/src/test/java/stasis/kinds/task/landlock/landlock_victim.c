// A program that has laid Landlock's rules on itself, or one of whose threads has, is refused and goes on under them.
#include "victim.h"
#include <sys/prctl.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif
#define LANDLOCK_ACCESS_FS_READ_DIR (1ULL << 3)

static volatile int stage;

static int restricted(void) {
  int fd = open("/", O_RDONLY | O_DIRECTORY);
  if (fd >= 0) close(fd);
  return fd < 0;
}

static void *worker(void *unused) {
  (void)unused;
  unsigned long long handled = LANDLOCK_ACCESS_FS_READ_DIR;
  int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
  check(rules >= 0 && syscall(SYS_landlock_restrict_self, rules, 0) == 0, "%m");
  close(rules);
  stage = 1;
  while (stage == 1) usleep(1000);
  check(restricted(), "the rules are gone");
  return NULL;
}

int main(void) {
  victim_start();
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "%m");
  ready("free");
  int known = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
  if (known && geteuid() == 0) {
    pthread_t thread;
    check(pthread_create(&thread, NULL, worker, NULL) == 0);
    while (stage != 1) usleep(1000);
    check(!restricted(), "the rules of a thread are everybody's");
    ready("refused");
    stage = 2;
    pthread_join(thread, NULL);
  }
  pass();
}

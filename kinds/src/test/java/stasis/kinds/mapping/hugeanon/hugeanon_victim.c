// Private memory in huge pages of hugetlbfs: touched in part, unwritable, cut at its start, without reserve, not for
// children, and shared with a child as fork(2) left it.
#include "huge.h"

#include <sys/wait.h>

static unsigned char *map(unsigned long pages, int prot, int flags) {
  unsigned char *at = mmap(NULL, pages * HUGE_PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | flags, -1, 0);
  check(at != MAP_FAILED, "mmap: %m");
  return at;
}

int main(void) {
  victim_start();
  huge_begin();
  unsigned char *plain = map(3, PROT_READ | PROT_WRITE, 0);
  plain[5] = 1;
  plain[2 * HUGE_PAGE + 70000] = 2;
  unsigned char *constant = map(1, PROT_READ | PROT_WRITE, 0);
  constant[HUGE_PAGE - 1] = 3;
  check(mprotect(constant, HUGE_PAGE, PROT_READ) == 0, "mprotect: %m");
  unsigned char *cut = map(2, PROT_READ | PROT_WRITE, 0);
  cut[HUGE_PAGE + 9] = 4;
  check(munmap(cut, HUGE_PAGE) == 0, "munmap: %m");
  cut += HUGE_PAGE;
  unsigned char *bare = map(2, PROT_READ | PROT_WRITE, MAP_NORESERVE);
  bare[HUGE_PAGE] = 5;
  unsigned char *own = map(1, PROT_READ | PROT_WRITE, 0);
  own[0] = 6;
  check(madvise(own, HUGE_PAGE, MADV_DONTFORK) == 0, "madvise: %m");
  check(madvise(plain, 3 * HUGE_PAGE, MADV_DONTDUMP) == 0, "madvise: %m");
  ready("alone");
  check(plain[5] == 1 && plain[2 * HUGE_PAGE + 70000] == 2 && plain[HUGE_PAGE] == 0, "plain");
  check(constant[HUGE_PAGE - 1] == 3 && cut[9] == 4 && bare[HUGE_PAGE] == 5 && bare[0] == 0 && own[0] == 6, "others");
  plain[HUGE_PAGE] = 7;
  pid_t child = fork();
  check(child >= 0, "fork: %m");
  if (child == 0) {
    plain[2 * HUGE_PAGE + 70000] = 8;
    check(madvise(bare, 2 * HUGE_PAGE, MADV_DONTNEED) == 0, "madvise: %m");
    ready_wait("child");
    check(plain[5] == 1 && plain[HUGE_PAGE] == 7 && plain[2 * HUGE_PAGE + 70000] == 8, "the child's");
    check(constant[HUGE_PAGE - 1] == 3 && cut[9] == 4 && bare[HUGE_PAGE] == 0, "the child's others");
    check(mmap(own, HUGE_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == own, "own: %m");
    _exit(0);
  }
  usleep(50000);
  ready("child");
  int status = 0;
  check(waitpid(child, &status, 0) == child && status == 0, "the child ended with %x", status);
  check(plain[5] == 1 && plain[HUGE_PAGE] == 7 && plain[2 * HUGE_PAGE + 70000] == 2 && bare[HUGE_PAGE] == 5, "parent");
  huge_end();
  pass();
}

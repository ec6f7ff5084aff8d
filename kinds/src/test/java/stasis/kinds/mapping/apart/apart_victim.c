// Neighbours that look alike and are two vmas: moved together by mremap, or left so by a fork. They stay two, and each
// can be moved away whole.
#include "victim.h"

#include <sys/mman.h>
#include <sys/wait.h>

#define PAGE 4096UL

static int vmas(const char *from, const char *to) {
  FILE *maps = fopen("/proc/self/maps", "re");
  check(maps, "maps: %m");
  char line[512];
  int count = 0;
  while (fgets(line, sizeof line, maps)) {
    unsigned long start, end;
    if (sscanf(line, "%lx-%lx ", &start, &end) == 2 && end > (unsigned long)from && start < (unsigned long)to) count++;
  }
  fclose(maps);
  return count;
}

static char *touched(size_t pages) {
  char *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(at != MAP_FAILED, "mmap: %m");
  at[0] = 't';
  return at;
}

int main(void) {
  victim_start();
  char *place = mmap(NULL, 12 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(place != MAP_FAILED, "mmap: %m");
  for (int i = 0; i < 3; i++) {
    char *moved = mremap(touched(4), 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place + 4 * i * PAGE);
    check(moved == place + 4 * i * PAGE, "mremap: %m");
    moved[PAGE] = (char)('a' + i);
  }
  check(vmas(place, place + 12 * PAGE) == 3, "they merged at once");
  // Made unwritable, emptied, alike: still three.
  char *empty = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(empty != MAP_FAILED, "mmap: %m");
  for (int i = 0; i < 2; i++) {
    char *moved = mremap(touched(4), 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, empty + 4 * i * PAGE);
    check(moved != MAP_FAILED && madvise(moved, 4 * PAGE, MADV_DONTNEED) == 0, "mremap: %m");
    check(mprotect(moved, 4 * PAGE, PROT_READ) == 0, "mprotect: %m");
  }
  check(vmas(empty, empty + 8 * PAGE) == 2, "they merged at once");
  ready("apart");
  check(vmas(place, place + 12 * PAGE) == 3, "%d vmas", vmas(place, place + 12 * PAGE));
  check(vmas(empty, empty + 8 * PAGE) == 2, "%d vmas", vmas(empty, empty + 8 * PAGE));
  for (int i = 0; i < 3; i++) {
    check(place[4 * i * PAGE] == 't' && place[(4 * i + 1) * PAGE] == 'a' + i, "contents of %d", i);
    check(place[(4 * i + 2) * PAGE] == 0, "a hole of %d", i);
  }
  check(empty[0] == 0 && empty[4 * PAGE] == 0, "emptied memory");
  check(mremap(place + 4 * PAGE, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, touched(4)) != MAP_FAILED,
      "it cannot be moved: %m");
  pass();
}

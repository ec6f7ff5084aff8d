// Mappings of files without a path: a deleted file, mapped shared and private and still open, and a memfd that is only
// mapped. All that share go on sharing.
#include "victim.h"

#include <sys/mman.h>
#include <sys/stat.h>

#define PAGE 4096UL

static unsigned char *map(int fd, size_t pages, int prot, int flags, size_t offset) {
  void *at = mmap(NULL, pages * PAGE, prot, flags, fd, (off_t)(offset * PAGE));
  check(at != MAP_FAILED, "mmap: %m");
  return at;
}

int main(void) {
  victim_start();
  int deleted = open("deleted", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  check(deleted >= 0 && ftruncate(deleted, 5 * PAGE + 10) == 0, "file: %m");
  check(pwrite(deleted, "one", 3, PAGE) == 3 && pwrite(deleted, "end", 3, 5 * PAGE + 7) == 3, "write: %m");
  unsigned char *shared = map(deleted, 4, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
  unsigned char *private = map(deleted, 6, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
  check(unlink("deleted") == 0, "unlink: %m");
  shared[2 * PAGE] = 's';
  private[3 * PAGE] = 'p';
  int memfd = memfd_create("nobody has me open", MFD_CLOEXEC);
  check(memfd >= 0 && ftruncate(memfd, 16 * PAGE) == 0, "memfd: %m");
  unsigned char *low = map(memfd, 8, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
  unsigned char *high = map(memfd, 4, PROT_READ, MAP_SHARED, 6);
  unsigned char *copy = map(memfd, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
  close(memfd);
  low[6 * PAGE] = 'm';
  copy[PAGE] = 'c';

  ready("mapped");

  check(memcmp(shared + PAGE, "one", 3) == 0 && shared[2 * PAGE] == 's' && shared[3 * PAGE] == 0, "deleted file");
  check(memcmp(private + PAGE, "one", 3) == 0 && private[2 * PAGE] == 's' && private[3 * PAGE] == 'p', "its copy");
  check(memcmp(private + 5 * PAGE + 7, "end", 3) == 0, "its end");
  struct stat facts;
  check(fstat(deleted, &facts) == 0 && facts.st_size == 5 * PAGE + 10 && facts.st_nlink == 0, "its size or links");
  shared[PAGE] = 'O';
  char byte;
  check(pread(deleted, &byte, 1, PAGE) == 1 && byte == 'O', "mapping and descriptor no longer share");
  check(low[6 * PAGE] == 'm' && high[0] == 'm' && high[PAGE] == 0, "memfd");
  low[7 * PAGE] = 'n';
  check(high[PAGE] == 'n', "mappings of the memfd no longer share");
  check(copy[PAGE] == 'c' && copy[6 * PAGE] == 'm', "its copy");
  low[PAGE] = 'x';
  check(copy[PAGE] == 'c', "a private page became shared");
  pass();
}

// Shared mappings of a file: writes reach the file and its other mapping; one made through a description without the
// right to write cannot be made writable.
#include "victim.h"

#include <sys/mman.h>

#define PAGE 4096UL

int main(void) {
  victim_start();
  int fd = open("shared", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  check(fd >= 0 && ftruncate(fd, 4 * PAGE) == 0, "file: %m");
  unsigned char *first = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  unsigned char *second = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 2 * PAGE);
  int reader = open("shared", O_RDONLY | O_CLOEXEC);
  unsigned char *third = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, reader, 0);
  check(first != MAP_FAILED && second != MAP_FAILED && third != MAP_FAILED, "mmap: %m");
  close(fd);
  close(reader);
  first[2 * PAGE] = 'a';

  ready("mapped");

  check(first[2 * PAGE] == 'a' && second[0] == 'a', "what was written is gone");
  first[2 * PAGE + 1] = 'b';
  check(second[1] == 'b', "the mappings no longer share");
  fd = open("shared", O_RDONLY | O_CLOEXEC);
  char bytes[2];
  check(pread(fd, bytes, 2, 2 * PAGE) == 2 && bytes[0] == 'a' && bytes[1] == 'b', "a write did not reach the file");
  check(mprotect(second, PAGE, PROT_READ | PROT_WRITE) == 0, "the right to become writable is gone: %m");
  check(mprotect(third, PAGE, PROT_READ | PROT_WRITE) < 0 && errno == EACCES, "it may become writable now");
  pass();
}

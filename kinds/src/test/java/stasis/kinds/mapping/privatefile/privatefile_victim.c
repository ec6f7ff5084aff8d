// Private mappings of a file: pages written are the program's, the others the file's, also behind an offset, behind the
// end of the file, and after the right to write was given up.
#include "victim.h"

#include <sys/mman.h>

#define PAGE 4096UL
#define PAGES 8

int main(void) {
  victim_start();
  int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  check(fd >= 0, "open: %m");
  for (unsigned page = 0; page < PAGES; page++) {
    unsigned char bytes[PAGE];
    memset(bytes, 'a' + (int)page, PAGE);
    check(write(fd, bytes, page == PAGES - 1 ? 100 : PAGE) > 0, "write: %m");
  }
  unsigned char *whole = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  unsigned char *part = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE, fd, 2 * PAGE);
  unsigned char *constant = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 4 * PAGE);
  unsigned char *beyond = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, (PAGES - 1) * PAGE);
  check(whole != MAP_FAILED && part != MAP_FAILED && constant != MAP_FAILED && beyond != MAP_FAILED, "mmap: %m");
  whole[PAGE] = 'X';
  whole[(PAGES - 1) * PAGE + 200] = 'Y';
  constant[0] = 'Z';
  check(mprotect(constant, 2 * PAGE, PROT_READ) == 0, "mprotect: %m");
  close(fd);

  ready("mapped");

  check(whole[0] == 'a' && whole[PAGE] == 'X' && whole[PAGE + 1] == 'b' && whole[2 * PAGE] == 'c', "whole mapping");
  check(whole[(PAGES - 1) * PAGE] == 'h' && whole[(PAGES - 1) * PAGE + 200] == 'Y', "last page");
  check(part[0] == 'c' && part[2 * PAGE] == 'e', "mapping with an offset");
  check(constant[0] == 'Z' && constant[1] == 'e' && constant[PAGE] == 'f', "mapping made unwritable");
  check(beyond[99] == 'h' && beyond[100] == 0, "mapping behind the end");
  whole[3 * PAGE] = 'W';
  fd = open("mapped", O_RDONLY | O_CLOEXEC);
  check(fd >= 0, "open: %m");
  unsigned char byte;
  check(pread(fd, &byte, 1, PAGE) == 1 && byte == 'b', "a private page reached the file");
  check(pread(fd, &byte, 1, 3 * PAGE) == 1 && byte == 'd', "a private page reached the file");
  pass();
}

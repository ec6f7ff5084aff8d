// Memfds with every sort of seal, name, size and mode, mapped and not.
#include "victim.h"

#include <sys/mman.h>
#include <sys/stat.h>

#define PAGE 4096UL
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif

static int make(const char *name, unsigned flags, off_t size) {
  int fd = memfd_create(name, flags | MFD_CLOEXEC);
  check(fd >= 0 && ftruncate(fd, size) == 0, "memfd %s: %m", name);
  return fd;
}

static void link_of(int fd, char *text, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(path, text, size - 1);
  check(length > 0, "readlink: %m");
  text[length] = 0;
}

int main(void) {
  victim_start();
  int sparse = make("a name with blanks (deleted)", 0, (off_t)1 << 30);
  check(pwrite(sparse, "far", 3, 999 * (off_t)(1 << 20)) == 3, "pwrite: %m");
  int frozen = make("frozen", MFD_ALLOW_SEALING, 2 * PAGE);
  check(pwrite(frozen, "constant", 8, 0) == 8, "pwrite: %m");
  check(fcntl(frozen, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0, "seal: %m");
  char *constant = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, frozen, 0);
  int future = make("future", MFD_ALLOW_SEALING, PAGE);
  char *writable = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, future, 0);
  check(constant != MAP_FAILED && writable != MAP_FAILED, "mmap: %m");
  check(fcntl(future, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0, "seal: %m");
  strcpy(writable, "written");
  int odd = make("odd", MFD_ALLOW_SEALING, 12345);
  check(fchmod(odd, 0640) == 0, "fchmod: %m");
  int empty = make("", 0, 0);

  ready("made");

  char text[300];
  link_of(sparse, text, sizeof text);
  check(strcmp(text, "/memfd:a name with blanks (deleted) (deleted)") == 0, "called %s", text);
  struct stat facts;
  check(fstat(sparse, &facts) == 0 && facts.st_size == 1 << 30 && facts.st_blocks <= 64, "%ld blocks", facts.st_blocks);
  check(pread(sparse, text, 3, 999 * (off_t)(1 << 20)) == 3 && memcmp(text, "far", 3) == 0, "far contents");
  check(fcntl(sparse, F_GET_SEALS) == F_SEAL_SEAL, "seals are %x", fcntl(sparse, F_GET_SEALS));
  check(fcntl(frozen, F_GET_SEALS) == (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), "seals are %x",
      fcntl(frozen, F_GET_SEALS));
  check(memcmp(constant, "constant", 8) == 0, "contents behind the seal");
  check(mprotect(constant, PAGE, PROT_READ | PROT_WRITE) < 0, "the seal does not hold");
  check(pwrite(frozen, "x", 1, 0) < 0 && errno == EPERM, "the seal does not hold");
  check(fcntl(future, F_GET_SEALS) == F_SEAL_FUTURE_WRITE, "seals are %x", fcntl(future, F_GET_SEALS));
  check(strcmp(writable, "written") == 0, "contents before the seal");
  strcpy(writable, "again");
  check(pread(future, text, 6, 0) == 6 && strcmp(text, "again") == 0, "the mapping from before the seal");
  check(fcntl(odd, F_ADD_SEALS, F_SEAL_GROW) == 0, "it can no longer be sealed: %m");
  check(fstat(odd, &facts) == 0 && facts.st_size == 12345 && (facts.st_mode & 07777) == 0640, "size or mode");
  check(facts.st_uid == geteuid() && facts.st_gid == getegid(), "owner");
  check(fstat(empty, &facts) == 0 && facts.st_size == 0, "empty one");
  pass();
}

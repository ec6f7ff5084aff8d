// Open directories: half read, shared by dup, used as the start of a path, and the working directory of nobody else.
#include "victim.h"
#include <dirent.h>
#include <sys/stat.h>

enum { FILES = 400 };

struct entry {
  uint64_t inode;
  int64_t next;
  unsigned short length;
  unsigned char type;
  char name[];
};

static char seen[FILES];

// Marks what one getdents64(2) into a small buffer gives; 0 at the end.
static long some(int fd) {
  char buffer[512] __attribute__((aligned(8)));
  long got = syscall(SYS_getdents64, fd, buffer, sizeof buffer);
  check(got >= 0, "%m");
  for (long at = 0; at < got;) {
    struct entry *entry = (struct entry *)(buffer + at);
    int number;
    if (sscanf(entry->name, "f%d", &number) == 1) {
      check(!seen[number], "f%d came twice", number);
      seen[number] = 1;
    }
    at += entry->length;
  }
  return got;
}

int main(void) {
  victim_start();
  char folder[1200], name[1300];
  snprintf(folder, sizeof folder, "%s/directory.%d", victim_has_test() ? victim_folder : "/tmp", getpid());
  check(mkdir(folder, 0700) == 0, "%m");
  for (int i = 0; i < FILES; i++) {
    snprintf(name, sizeof name, "%s/f%d", folder, i);
    close(open(name, O_WRONLY | O_CREAT, 0600));
  }
  int half = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), twin = dup(half);
  int fresh = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), done = open(folder, O_RDONLY | O_DIRECTORY);
  check(half >= 0 && fresh >= 0 && done >= 0, "%m");
  while (some(done) > 0) continue;
  memset(seen, 0, sizeof seen);
  for (int i = 0; i < 5; i++) check(some(half) > 0);
  long position = lseek(half, 0, SEEK_CUR);
  int flags = fcntl(fresh, F_GETFL);
  ready("half-read");
  check(lseek(twin, 0, SEEK_CUR) == position && lseek(fresh, 0, SEEK_CUR) == 0, "%ld", (long)lseek(twin, 0, SEEK_CUR));
  check(fcntl(half, F_GETFD) == FD_CLOEXEC && fcntl(fresh, F_GETFL) == flags, "flags");
  check(some(done) == 0, "read to its end");
  some(twin);
  while (some(half) > 0) continue;
  int count = 0;
  for (int i = 0; i < FILES; i++) count += seen[i];
  check(count == FILES, "%d of %d names", count, FILES);
  int below = openat(fresh, "f7", O_RDONLY);
  check(below >= 0, "%m");
  check(fchdir(fresh) == 0 && access("f8", F_OK) == 0, "%m");
  for (int i = 0; i < FILES; i++) {
    snprintf(name, sizeof name, "%s/f%d", folder, i);
    unlink(name);
  }
  rmdir(folder);
  pass();
}

// Counts in its memory and in a file, which must agree whenever it looks: a file of another moment is found out. The
// file has a hole, a second name, and an attribute of its own; another one is open for reading, a third is mapped shared.
#include "victim.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define FAR (1 << 20)

static uint64_t counted;
static int ledger;
static int alias;
static volatile uint64_t *shared;

static void look(off_t at) {
  uint64_t found = 0;
  check(pread(ledger, &found, sizeof found, at) == sizeof found, "pread: %m");
  check(found == counted, "the file says %lu, memory %lu", (unsigned long)found, (unsigned long)counted);
}

static void count(void) {
  look(0);
  look(FAR + 123);
  check(*shared == counted, "the shared file says %lu, memory %lu", (unsigned long)*shared, (unsigned long)counted);
  uint64_t byAlias = 0;
  check(pread(alias, &byAlias, sizeof byAlias, 0) == sizeof byAlias && byAlias == counted, "its other name says %lu",
        (unsigned long)byAlias);
  counted++;
  check(pwrite(ledger, &counted, sizeof counted, 0) == sizeof counted, "pwrite: %m");
  check(pwrite(ledger, &counted, sizeof counted, FAR + 123) == sizeof counted, "pwrite: %m");
  *shared = counted;
}

static int made(const char *name, int flags) {
  int fd = open(name, flags | O_CREAT | O_EXCL, 0640);
  check(fd >= 0, "%s: %m", name);
  return fd;
}

int main(void) {
  victim_start();
  check(mkdir("kept", 0750) == 0, "mkdir: %m");
  ledger = made("kept/ledger", O_RDWR);
  check(pwrite(ledger, &counted, sizeof counted, 0) == sizeof counted, "pwrite: %m");
  check(pwrite(ledger, &counted, sizeof counted, FAR + 123) == sizeof counted, "pwrite: %m");
  check(ftruncate(ledger, 8 * FAR) == 0, "ftruncate: %m");
  fsetxattr(ledger, "user.victim", "mine", 4, 0);
  check(link("kept/ledger", "kept/alias") == 0 && (alias = open("kept/alias", O_RDONLY)) >= 0, "link: %m");
  int table = made("kept/table", O_RDWR);
  check(write(table, "read only", 9) == 9 && close(table) == 0, "write: %m");
  table = open("kept/table", O_RDONLY);
  int page = made("kept/page", O_RDWR);
  check(ftruncate(page, 4096) == 0, "ftruncate: %m");
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, page, 0);
  check(shared != MAP_FAILED && close(page) == 0, "mmap: %m");
  for (int i = 0; i < 100; i++) {
    count();
  }
  ready_begin("counting");
  while (!ready_done("counting")) {
    count();
    usleep(100);
  }
  char found[16] = {0};
  check(pread(table, found, sizeof found, 0) == 9 && strcmp(found, "read only") == 0, "the table says %s", found);
  struct stat now;
  check(fstat(ledger, &now) == 0 && now.st_size == 8 * FAR && (now.st_mode & 07777) == 0640 && now.st_nlink == 2,
        "size %ld, mode %o, %ld names", (long)now.st_size, now.st_mode, (long)now.st_nlink);
  check(now.st_blocks < 4096, "the hole is gone: %ld blocks", (long)now.st_blocks);
  pass();
}

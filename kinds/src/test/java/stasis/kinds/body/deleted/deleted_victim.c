// What deleted files hold: large ones with holes, one without any name from the start, one that is mapped as well, and
// one that a name can be given to.
#include "victim.h"
#include <sys/mman.h>
#include <sys/stat.h>

#define MIB (1L << 20)

static const char *folder;

static int deleted(const char *name) {
  char path[1200];
  snprintf(path, sizeof path, "%s/%s.%d", folder, name, getpid());
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
  check(fd >= 0 && unlink(path) == 0, "%s: %m", path);
  return fd;
}

static int open_again(int fd) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int again = open(path, O_RDONLY);
  check(again >= 0, "%m");
  return again;
}

static void fill(unsigned char *block, long at) {
  for (long i = 0; i < MIB; i++) block[i] = (unsigned char)((at + i) * 2654435761u >> 13);
}

int main(void) {
  victim_start();
  folder = victim_has_test() ? victim_folder : "/tmp";
  int large = deleted("large"), empty = deleted("empty"), mapped = deleted("mapped");
  int nameless = open(folder, O_TMPFILE | O_RDWR, 0640), never = open(folder, O_TMPFILE | O_RDWR | O_EXCL, 0600);
  check(nameless >= 0 && never >= 0, "O_TMPFILE: %m");
  unsigned char *block = malloc(MIB), *found = malloc(MIB);
  long places[] = {0, 1, 7, 40, 63};
  for (int i = 0; i < 5; i++) {
    fill(block, places[i] * MIB);
    check(pwrite(large, block, MIB, places[i] * MIB) == MIB, "%m");
  }
  check(ftruncate(large, 100 * MIB + 5) == 0 && lseek(large, 41 * MIB, SEEK_SET) == 41 * MIB);
  check(write(nameless, "no name", 7) == 7 && write(never, "never", 5) == 5 && ftruncate(mapped, 8192) == 0);
  check(fcntl(nameless, F_SETFL, O_APPEND) == 0);
  int flags = fcntl(nameless, F_GETFL), flags_never = fcntl(never, F_GETFL), second = open_again(nameless);
  char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, mapped, 0);
  char *own = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, mapped, 0);
  strcpy(shared, "by the mapping");
  strcpy(own + 4096, "mine alone");
  struct stat before, now;
  check(fstat(large, &before) == 0);
  ready("nameless");
  check(fstat(large, &now) == 0 && now.st_size == 100 * MIB + 5 && now.st_nlink == 0, "%ld", (long)now.st_size);
  check(now.st_blocks <= before.st_blocks + 64, "holes were filled: %ld, not %ld", now.st_blocks, before.st_blocks);
  check(lseek(large, 0, SEEK_CUR) == 41 * MIB);
  for (int i = 0; i < 5; i++) {
    fill(block, places[i] * MIB);
    check(pread(large, found, MIB, places[i] * MIB) == MIB && memcmp(block, found, MIB) == 0, "at %ld", places[i]);
  }
  check(pread(large, found, MIB, 20 * MIB) == MIB && found[0] == 0 && !memcmp(found, found + 1, MIB - 1), "a hole");
  check(fstat(empty, &now) == 0 && now.st_size == 0 && now.st_nlink == 0);
  char text[16] = "";
  check(pread(nameless, text, 16, 0) == 7 && memcmp(text, "no name", 7) == 0);
  check(fstat(nameless, &now) == 0 && (now.st_mode & 0777) == 0640 && now.st_nlink == 0, "mode %o", now.st_mode);
  check(fcntl(nameless, F_GETFL) == flags && fcntl(never, F_GETFL) == flags_never, "%o", fcntl(nameless, F_GETFL));
  check(flags & O_TMPFILE & ~O_DIRECTORY, "%o", flags);
  check(lseek(nameless, 0, SEEK_CUR) == 7 && lseek(second, 0, SEEK_CUR) == 0, "positions");
  check(write(nameless, "!", 1) == 1 && pread(second, text, 16, 0) == 8 && text[7] == '!', "one file");
  check(pread(never, text, 16, 0) == 5 && memcmp(text, "never", 5) == 0);
  check(pread(mapped, text, 14, 0) == 14 && memcmp(text, "by the mapping", 14) == 0, "%.14s", text);
  strcpy(shared, "seen by reads!");
  check(pread(mapped, text, 14, 0) == 14 && memcmp(text, "seen by reads!", 14) == 0, "mapping and file are apart");
  check(strcmp(own + 4096, "mine alone") == 0 && pread(mapped, text, 1, 4096) == 1 && text[0] == 0);
  pass();
}

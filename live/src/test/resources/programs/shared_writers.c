// Writers of one large piece of shared memory, each of a part of its own: sweep after sweep, page after page it writes
// the number of the sweep, and first looks whether the page still holds the number before. How far it is it knows from
// private memory. So an image in which shared and private memory are not of one instant is found by the next write.
// Arguments: MiB of shared memory, and what the first does besides: "writes", "removes", "moves";
// "nobody": all of them are that user; "always": each counts its sweeps in the file `rounds`, eight bytes each.
// "remaps", "maps", "describes": whenever there is a file `now`, a part is written to by another way: memory that is
// mapped there by remap_file_pages(2), mapped anew, or pwrite(2).
// What the memory is: "anonymous", "sysv", "memfd" (its fd closed), "open" (a memfd with an fd, that one process reads),
// "deleted" (such a file of /dev/shm).
#include "victim.h"
#include <grp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { WRITERS = 3, PARTS = WRITERS + 1, PAGE = 4096 };

static volatile int *stop;
static volatile uint64_t *rounds;

static uint64_t *page(char *part, long i) { return (uint64_t *)(part + i * PAGE); }

// One sweep; `how` 1: the kernel writes, by read(2).
static void sweep(char *part, long pages, uint64_t number, int how, int *ends) {
  for (long i = 0; i < pages && !*stop; i++) {
    uint64_t *word = page(part, i);
    check(*word == number - 1, "page %ld of %ld holds %lu, not %lu", i, pages, *word, number - 1);
    if (how == 0) {
      *word = number;
    } else {
      check(write(ends[1], &number, 8) == 8, "write: %m");
      check(read(ends[0], word, 8) == 8, "read: %m");
    }
  }
}

static void writer(char *part, long pages, int how, int which) {
  int ends[2];
  check(pipe(ends) == 0, "pipe: %m");
  for (uint64_t number = 1; !*stop; number++) {
    sweep(part, pages, number, how, ends);
    if (rounds) rounds[which]++;
  }
  _exit(0);
}

static int fd = -1;

static char *shared(const char *kind, long bytes) {
  if (!strcmp(kind, "sysv")) {
    int segment = shmget(IPC_PRIVATE, bytes, IPC_CREAT | 0600);
    char *at = segment < 0 ? (char *)-1 : shmat(segment, NULL, 0);
    check(at != (char *)-1 && shmctl(segment, IPC_RMID, NULL) == 0, "sysv: %m");
    return at;
  }
  int flags = MAP_SHARED;
  if (!strcmp(kind, "anonymous")) {
    flags |= MAP_ANONYMOUS;
  } else if (!strcmp(kind, "deleted")) {
    fd = open("/dev/shm/stasis-shared-writers", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    check(fd >= 0 && unlink("/dev/shm/stasis-shared-writers") == 0 && ftruncate(fd, bytes) == 0, "deleted: %m");
  } else {
    fd = memfd_create("shared", MFD_CLOEXEC);
    check(fd >= 0 && ftruncate(fd, bytes) == 0, "memfd: %m");
  }
  int reader = -1;
  if (fd >= 0) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    reader = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t none = 0;
    for (long page = 0; page < bytes; page += PAGE) check(pwrite(fd, &none, 8, page) == 8, "pwrite: %m");
  }
  int alone = fd >= 0 && strcmp(kind, "memfd");
  char *at = mmap(NULL, bytes, PROT_READ | (alone ? 0 : PROT_WRITE), flags, alone ? reader : fd, 0);
  check(at != MAP_FAILED, "mmap: %m");
  if (reader >= 0) check(close(reader) == 0, "close: %m");
  if (!strcmp(kind, "memfd")) {
    check(close(fd) == 0, "close: %m");
    fd = -1;
  }
  return at;
}

static void fill(char *part, long bytes, uint64_t number) {
  for (long at = 0; at < bytes; at += PAGE) *(volatile uint64_t *)(part + at) = number;
}

// Writes `number` to each page of a part by another way than `part` itself. `all` is the whole memory.
static void otherwise(const char *deed, char *all, char *part, long bytes, uint64_t number) {
  if (!strcmp(deed, "describes")) {
    for (long at = 0; at < bytes; at += PAGE) check(pwrite(fd, &number, 8, part - all + at) == 8, "pwrite: %m");
  } else if (!strcmp(deed, "maps")) {
    char *other = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, part - all);
    check(other != MAP_FAILED, "mmap: %m");
    fill(other, bytes, number);
    check(munmap(other, bytes) == 0, "munmap: %m");
  } else {
    char *window = part + bytes; // as long; nobody else uses it
    check(syscall(SYS_remap_file_pages, window, bytes, 0, (part - all) / PAGE, 0) == 0, "remap_file_pages: %m");
    fill(window, bytes, number);
    check(syscall(SYS_remap_file_pages, window, bytes, 0, (window - all) / PAGE, 0) == 0, "remap_file_pages: %m");
  }
}

static void holds(char *part, long bytes, uint64_t number) {
  for (long at = 0; at < bytes; at += PAGE) {
    uint64_t found = *(volatile uint64_t *)(part + at);
    check(found == number, "%ld bytes into the part written otherwise: %lu, not %lu", at, found, number);
  }
}

static uint64_t otherwises;

static void now(const char *deed, char *all, char *part, long bytes) {
  if (access("now", F_OK) == 0) {
    check(unlink("now") == 0, "unlink: %m");
    holds(part, bytes, otherwises++);
    otherwise(deed, all, part, bytes, otherwises);
  }
}

int main(int count, char **words) {
  victim_start();
  long bytes = (count > 1 ? atol(words[1]) : 64) << 20, pages = bytes / PAGE / PARTS;
  const char *deed = count > 2 ? words[2] : "writes";
  if (!strcmp(deed, "nobody")) {
    char status[1100];
    snprintf(status, sizeof status, "%s/status", victim_folder);
    check(chmod(victim_folder, 0777) == 0 && chmod(status, 0666) == 0, "chmod: %m");
    check(setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0,
          "setresuid: %m");
    check(prctl(PR_SET_DUMPABLE, 1) == 0, "prctl: %m");
  }
  stop = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  char *all = shared(count > 3 ? words[3] : "anonymous", bytes);
  check(stop != MAP_FAILED, "mmap: %m");
  for (long i = 0; i < bytes / PAGE && fd < 0; i++) *page(all, i) = 0;
  const char *label = "running";
  if (!strcmp(deed, "always")) {
    label = deed;
    int counts = open("rounds", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    check(counts >= 0 && ftruncate(counts, PAGE) == 0, "rounds: %m");
    rounds = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, counts, 0);
    check(rounds != MAP_FAILED && close(counts) == 0, "rounds: %m");
  }
  pid_t writers[WRITERS];
  for (int i = 0; i < WRITERS && fd < 0; i++) {
    writers[i] = fork();
    check(writers[i] >= 0, "fork: %m");
    if (writers[i] == 0) writer(all + i * pages * PAGE, pages, i == 1, i);
  }
  char *last = all + WRITERS * pages * PAGE, *third = last + pages / 2 * PAGE;
  ready_begin(label);
  for (uint64_t number = 1; !ready_done(label); number++) {
    if (rounds) rounds[WRITERS]++;
    if (fd >= 0) {
      usleep(1000);
      now(deed, all, third, pages / 4 * PAGE);
      continue;
    }
    // Two generations: the second is born of memory that its parent was born with.
    pid_t child = fork();
    check(child >= 0, "fork: %m");
    if (child == 0) {
      sweep(last, pages / 64, number, 0, NULL);
      pid_t grandchild = fork();
      if (grandchild == 0) {
        sweep(last + pages / 64 * PAGE, pages / 64, number, 0, NULL);
        _exit(0);
      }
      int status = 0;
      check(waitpid(grandchild, &status, 0) == grandchild && status == 0, "grandchild %x", status);
      _exit(0);
    }
    int status = 0;
    check(waitpid(child, &status, 0) == child && status == 0, "child %x", status);
    now(deed, all, third, pages / 4 * PAGE);
    if (!strcmp(deed, "removes")) {
      memset(third, 1, pages / 4 * PAGE);
      check(madvise(third, pages / 4 * PAGE, MADV_REMOVE) == 0, "madvise: %m");
    }
    if (!strcmp(deed, "moves")) {
      char *more = mremap(third, 0, pages / 4 * PAGE, MREMAP_MAYMOVE);
      check(more != MAP_FAILED, "mremap: %m");
      memset(more, 1, pages / 4 * PAGE);
      check(munmap(more, pages / 4 * PAGE) == 0, "munmap: %m");
      usleep(20000); // with all mapped once
    }
  }
  if (strcmp(deed, "removes") && strcmp(deed, "moves")) holds(third, pages / 4 * PAGE, otherwises);
  *stop = 1;
  for (int i = 0; i < WRITERS && fd < 0; i++) {
    int status = 0;
    check(waitpid(writers[i], &status, 0) == writers[i] && status == 0, "writer %d: %x", i, status);
  }
  pass();
}

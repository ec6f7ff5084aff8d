// Writers of one large piece of shared memory, each of a part of its own: sweep after sweep, page after page it writes
// the number of the sweep, and first looks whether the page still holds the number before. How far it is it knows from
// private memory. So an image in which shared and private memory are not of one instant is found by the next write.
// Arguments: MiB of shared memory, and what the first does besides: "writes", "removes", "moves";
// "nobody": all of them are that user; "always": each counts its sweeps in the file `rounds`, eight bytes each.
#include "victim.h"
#include <grp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
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
  char *all = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(all != MAP_FAILED && stop != MAP_FAILED, "mmap: %m");
  for (long i = 0; i < bytes / PAGE; i++) *page(all, i) = 0;
  const char *label = "running";
  if (!strcmp(deed, "always")) {
    label = deed;
    int counts = open("rounds", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    check(counts >= 0 && ftruncate(counts, PAGE) == 0, "rounds: %m");
    rounds = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, counts, 0);
    check(rounds != MAP_FAILED && close(counts) == 0, "rounds: %m");
  }
  pid_t writers[WRITERS];
  for (int i = 0; i < WRITERS; i++) {
    writers[i] = fork();
    check(writers[i] >= 0, "fork: %m");
    if (writers[i] == 0) writer(all + i * pages * PAGE, pages, i == 1, i);
  }
  char *last = all + WRITERS * pages * PAGE;
  ready_begin(label);
  for (uint64_t number = 1; !ready_done(label); number++) {
    if (rounds) rounds[WRITERS]++;
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
    if (!strcmp(deed, "removes")) {
      memset(last + pages / 2 * PAGE, 1, pages / 4 * PAGE);
      check(madvise(last + pages / 2 * PAGE, pages / 4 * PAGE, MADV_REMOVE) == 0, "madvise: %m");
    }
    if (!strcmp(deed, "moves")) {
      char *more = mremap(last + pages / 2 * PAGE, 0, pages / 4 * PAGE, MREMAP_MAYMOVE);
      check(more != MAP_FAILED, "mremap: %m");
      memset(more, 1, pages / 4 * PAGE);
      check(munmap(more, pages / 4 * PAGE) == 0, "munmap: %m");
    }
  }
  *stop = 1;
  for (int i = 0; i < WRITERS; i++) {
    int status = 0;
    check(waitpid(writers[i], &status, 0) == writers[i] && status == 0, "writer %d: %x", i, status);
  }
  pass();
}

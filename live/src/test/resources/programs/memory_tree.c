// A tree of two: one of them fills so many MiB, and leaves them as they are or writes to every page in turn.
//   memory_tree MIB parent|child rests|writes
#include "victim.h"
#include <sys/mman.h>
#include <sys/wait.h>

#define PAGE 4096
static long size;
static volatile char *memory;
static volatile long *shared; // rounds, and whether it is filled

static void fill(void) {
  memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(memory != MAP_FAILED, "%m");
  for (long at = 0; at < size; at += PAGE) *(volatile long *)(memory + at) = 1;
  shared[1] = 1;
}

static void work(int writes) {
  long round = 1;
  while (!ready_done("full")) {
    if (writes) {
      round++;
      for (long at = 0; at < size; at += PAGE) {
        check(*(volatile long *)(memory + at) == round - 1, "page %ld", at / PAGE);
        *(volatile long *)(memory + at) = round;
      }
      shared[0] = round;
    }
    usleep(2000);
  }
  for (long at = 0; at < size; at += PAGE) check(*(volatile long *)(memory + at) == round, "page %ld", at / PAGE);
}

int main(int count, char **words) {
  victim_start();
  size = (count > 1 ? atol(words[1]) : 4) << 20;
  int child_works = count > 2 && !strcmp(words[2], "child"), writes = count > 3 && !strcmp(words[3], "writes");
  shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(shared != MAP_FAILED, "%m");
  ready("start");
  pid_t child = fork();
  if (child == 0) {
    if (child_works) {
      fill();
      work(writes);
    } else {
      ready_wait("full");
    }
    _exit(7);
  }
  if (!child_works) fill();
  while (!shared[1]) usleep(1000);
  ready_begin("full");
  if (child_works) ready_wait("full");
  else work(writes);
  int status;
  check(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7, "%x", status);
  pass();
}

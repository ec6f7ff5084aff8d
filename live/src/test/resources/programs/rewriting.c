// Rewrites its memory all the time, page by page, in a child as well, and looks at each page before: what comes back
// from a checkpoint that was taken meanwhile is all of one moment, or is found out.
#include "victim.h"

#include <sys/mman.h>
#include <sys/wait.h>

#define PAGE 4096
#define PAGES 4096

static uint32_t seed[PAGES];
static unsigned char *area;

static void fill(unsigned char *page, uint32_t from) {
  uint32_t x = from * 2654435761u + 1;
  for (int i = 0; i < PAGE; i += 4) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    memcpy(page + i, &x, 4);
  }
}

static void look(int page) {
  unsigned char wanted[PAGE];
  fill(wanted, seed[page]);
  check(memcmp(area + page * PAGE, wanted, PAGE) == 0, "page %d is of another moment", page);
}

static void rewrite(uint32_t *random) {
  *random = *random * 1664525 + 1013904223;
  // Most of it is written seldom.
  int page = (*random >> 8) % ((*random >> 28) == 0 ? PAGES : PAGES / 16);
  look(page);
  seed[page] = *random;
  fill(area + page * PAGE, seed[page]);
  usleep(50);
}

int main(void) {
  victim_start();
  area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(area != MAP_FAILED, "mmap: %m");
  for (int i = 0; i < PAGES; i++) {
    seed[i] = i + 1;
    fill(area + i * PAGE, seed[i]);
  }
  pid_t child = fork();
  uint32_t random = child == 0;
  while (child == 0) {
    rewrite(&random);
  }
  ready_begin("rewriting");
  while (!ready_done("rewriting")) {
    rewrite(&random);
  }
  for (int i = 0; i < PAGES; i++) {
    look(i);
  }
  check(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child, "the child: %m");
  pass();
}

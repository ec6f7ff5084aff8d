// argv[1] MiB of memory and ten children that share it copy-on-write, each with a hundredth of it changed.
#include "victim.h"
#include <sys/mman.h>
#include <sys/wait.h>

#define CHILDREN 10
#define PAGE 4096
#define EACH 100

static uint64_t word(uint64_t page, uint64_t who) { return (page + 1) * 0x9e3779b97f4a7c15u + who; }

static void verify(volatile uint64_t *memory, uint64_t pages, uint64_t who) {
  for (uint64_t page = 0; page < pages; page++) {
    uint64_t expected = word(page, who && page % EACH == who ? who : 0);
    check(memory[page * PAGE / 8] == expected, "page %lu of %lu", page, who);
  }
}

int main(int argc, char **argv) {
  victim_start();
  uint64_t pages = (argc > 1 ? strtoul(argv[1], NULL, 10) : 500) * (1 << 20) / PAGE;
  uint64_t *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int told[2], go[2];
  check(memory != MAP_FAILED && pipe(told) == 0 && pipe(go) == 0, "%m");
  for (uint64_t page = 0; page < pages; page++) memory[page * PAGE / 8] = word(page, 0);
  for (uint64_t who = 1; who <= CHILDREN; who++) {
    pid_t child = fork();
    check(child >= 0, "%m");
    if (child == 0) {
      char byte;
      for (uint64_t page = who; page < pages; page += EACH) memory[page * PAGE / 8] = word(page, who);
      check(write(told[1], "", 1) == 1 && read(go[0], &byte, 1) == 1, "%m");
      verify(memory, pages, who);
      _exit(0);
    }
  }
  char bytes[CHILDREN];
  for (int i = 0; i < CHILDREN; i++) check(read(told[0], bytes, 1) == 1, "%m");
  ready("forks");
  check(write(go[1], bytes, CHILDREN) == CHILDREN, "%m");
  verify(memory, pages, 0);
  for (int i = 0; i < CHILDREN; i++) {
    int status = -1;
    check(wait(&status) > 0 && status == 0, "a child ended with %x", status);
  }
  pass();
}

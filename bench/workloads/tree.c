// argv[1] processes in all: children of the first, each with 256 KiB of its own, waiting.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OWN_BYTES = 256 << 10 };

static void wait_for_ever(void) {
  char *own = malloc(OWN_BYTES);
  if (own == NULL) {
    _exit(1);
  }
  memset(own, getpid() % 251 + 1, OWN_BYTES);
  for (;;) {
    pause();
  }
}

int main(int argc, char **argv) {
  int processes = argc > 1 ? atoi(argv[1]) : 100;
  for (int i = 1; i < processes; i++) {
    pid_t child = fork();
    if (child == 0) {
      wait_for_ever();
    }
    if (child < 0) {
      return 1;
    }
  }
  sleep(1);
  puts("ready");
  fflush(stdout);
  wait_for_ever();
}

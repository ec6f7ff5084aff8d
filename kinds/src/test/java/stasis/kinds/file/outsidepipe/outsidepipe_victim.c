// Ends of pipes whose other ends a process outside the tree has. Refused by itself; MODE says what its user asked for.
#include "victim.h"
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

int main(void) {
  victim_start();
  const char *mode = getenv("MODE") ? getenv("MODE") : "", *label = *mode ? "carried" : "refused";
  int in[2], out[2];
  char byte = 0;
  check(pipe(in) == 0 && pipe(out) == 0, "pipe: %m");
  check(write(in[1], "w", 1) == 1, "write: %m");
  pid_t middle = fork();
  if (middle == 0) {
    if (fork() != 0) _exit(0);
    setsid();
    close(in[0]), close(out[1]);
    ready_wait(label);
    if (!*mode) {
      check(write(in[1], "late", 4) == 4 && read(out[0], &byte, 1) == 1 && byte == 'q', "the other end: %m");
    }
    _exit(0);
  }
  check(waitpid(middle, NULL, 0) == middle, "waitpid: %m");
  close(in[1]), close(out[0]);
  check(fcntl(in[0], F_SETFL, O_NONBLOCK) == 0, "fcntl: %m");
  struct stat st, before;
  check(fstat(in[0], &before) == 0, "fstat: %m");
  ready(label);
  check(fcntl(in[0], F_GETFL) & O_NONBLOCK || !strcmp(mode, "inherit"), "it blocks");
  if (!strcmp(mode, "null")) {
    check(fstat(in[0], &st) == 0 && st.st_rdev == makedev(1, 3) && fstat(out[1], &st) == 0
          && st.st_rdev == makedev(1, 3), "not /dev/null");
    check(read(in[0], &byte, 1) == 0 && write(out[1], "q", 1) == 1, "read: %m");
  } else if (!strcmp(mode, "inherit")) {
    check(fstat(in[0], &st) == 0 && st.st_ino != before.st_ino, "still the old pipe");
    check(write(out[1], "said\n", 5) == 5, "write: %m");
  } else {
    char text[8] = {0};
    fcntl(in[0], F_SETFL, 0);
    for (int n = 0; n < 5;) {
      ssize_t got = read(in[0], text + n, sizeof text - 1 - (size_t)n);
      check(got > 0, "read: %m");
      n += (int)got;
    }
    check(strcmp(text, "wlate") == 0 && write(out[1], "q", 1) == 1, "'%s'", text);
  }
  pass();
}

// Processes that run the same program by execve(2), below one that was only forked: each keeps its program file, its heap
// and its arguments.
#include "victim.h"
#include <sys/wait.h>

static char program[1200];

static void expect_program(void) {
  char now[1200] = "";
  check(readlink("/proc/self/exe", now, sizeof now - 1) > 0 && strcmp(now, program) == 0, "exe is %s", now);
}

static int again(const char *folder) {
  snprintf(victim_folder, sizeof victim_folder, "%s", folder);
  check(readlink("/proc/self/exe", program, sizeof program - 1) > 0, "%m");
  char *heap = sbrk(0);
  check(sbrk(8192) == heap, "%m");
  strcpy(heap, "own heap");
  ready_wait("running");
  expect_program();
  check(strcmp(heap, "own heap") == 0 && sbrk(0) == heap + 8192, "the heap");
  char arguments[64];
  int fd = open("/proc/self/cmdline", O_RDONLY);
  check(read(fd, arguments, sizeof arguments) > 6 && strcmp(arguments, "again") == 0, "arguments: %s", arguments);
  return 21;
}

int main(int count, char **arguments) {
  if (count == 2 && strcmp(arguments[0], "again") == 0) return again(arguments[1]);
  victim_start();
  check(readlink("/proc/self/exe", program, sizeof program - 1) > 0, "%m");
  pid_t child = fork();
  if (child == 0) {
    pid_t grandchild = fork();
    if (grandchild == 0) {
      execl("/proc/self/exe", "again", victim_folder, (char *)NULL);
      _exit(127);
    }
    ready_wait("running");
    expect_program();
    int status;
    check(waitpid(grandchild, &status, 0) == grandchild && WIFEXITED(status), "%m");
    _exit(WEXITSTATUS(status));
  }
  usleep(50000);  // for the execve
  ready("running");
  expect_program();
  int status;
  check(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 21, "status %x", status);
  pass();
}

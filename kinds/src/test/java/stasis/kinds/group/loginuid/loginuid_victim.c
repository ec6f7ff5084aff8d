// Who logged in, in a process, a child that has it from there, and one that logged in as another.
#include "victim.h"

#include <sys/wait.h>

static void log_in(const char *who) {
  int file = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC);
  check(file >= 0 && write(file, who, strlen(who)) == (ssize_t)strlen(who) && close(file) == 0, "loginuid: %m");
}

static int is(const char *who) {
  char seen[16] = {0};
  int file = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
  check(file >= 0 && read(file, seen, sizeof seen - 1) > 0 && close(file) == 0, "loginuid: %m");
  return strcmp(seen, who) == 0;
}

static pid_t child(const char *who, int anew) {
  pid_t child = fork();
  check(child >= 0, "fork: %m");
  if (child == 0) {
    if (anew) log_in(who);
    ready_wait("login");
    _exit(is(who) ? 0 : 1);
  }
  return child;
}

int main(void) {
  victim_start();
  int file = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC);
  if (file < 0 || write(file, "4321", 4) != 4) {
    if (file >= 0) close(file);
    ready("running");
    pass();
  }
  check(close(file) == 0, "close: %m");
  pid_t same = child("4321", 0);
  pid_t other = child("4322", 1);
  usleep(20000);
  ready("login");
  int status = 0;
  check(waitpid(same, &status, 0) == same && status == 0, "the child that has it from here ended with %x", status);
  check(waitpid(other, &status, 0) == other && status == 0, "the child of another login ended with %x", status);
  check(is("4321"), "another login");
  pass();
}

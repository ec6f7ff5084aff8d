// One memfd under several descriptions: each keeps its offset, access mode and flags, and all lead to the same bytes.
#include "victim.h"

#include <sys/mman.h>
#include <sys/wait.h>

// A program in a memfd runs as long as nobody has opened that memfd for writing: its first description does not count.
static void run(int program) {
  pid_t child = fork();
  if (child == 0) {
    syscall(SYS_execveat, program, "", (char *[]){"memfd", NULL}, (char *[]){NULL}, AT_EMPTY_PATH);
    _exit(errno);
  }
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "execveat: %x", status);
}

int main(void) {
  victim_start();
  int first = memfd_create("shared", MFD_CLOEXEC);
  check(first >= 0 && write(first, "0123456789", 10) == 10, "memfd: %m");
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", first);
  int reader = open(path, O_RDONLY | O_NONBLOCK);
  int appender = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
  int same = dup(first);
  check(reader >= 0 && appender >= 0 && same >= 0, "open: %m");
  check(lseek(reader, 3, SEEK_SET) == 3, "lseek: %m");
  int flags[] = {fcntl(first, F_GETFL), fcntl(reader, F_GETFL), fcntl(appender, F_GETFL)};

  int program = memfd_create("program", 0);
  const char script[] = "#!/bin/true\n";
  check(write(program, script, sizeof script - 1) == sizeof script - 1, "%m");
  run(program);

  ready("opened");

  run(program);
  check(lseek(program, 0, SEEK_CUR) == sizeof script - 1, "offset of the program");

  check(fcntl(first, F_GETFL) == flags[0] && fcntl(reader, F_GETFL) == flags[1] && fcntl(appender, F_GETFL) == flags[2],
      "flags differ: %x %x %x", fcntl(first, F_GETFL), fcntl(reader, F_GETFL), fcntl(appender, F_GETFL));
  check(fcntl(first, F_GETFD) == FD_CLOEXEC && fcntl(reader, F_GETFD) == 0 && fcntl(same, F_GETFD) == 0, "FD_CLOEXEC");
  check(lseek(first, 0, SEEK_CUR) == 10 && lseek(reader, 0, SEEK_CUR) == 3 && lseek(appender, 0, SEEK_CUR) == 0,
      "offsets differ");
  check(lseek(same, 5, SEEK_SET) == 5 && lseek(first, 0, SEEK_CUR) == 5, "dup no longer shares the offset");
  char text[16] = "";
  check(read(reader, text, 4) == 4 && strcmp(text, "3456") == 0, "read %s", text);
  check(write(reader, "x", 1) < 0 && errno == EBADF, "the reader can write");
  check(write(appender, "ab", 2) == 2 && pread(first, text, 2, 10) == 2 && memcmp(text, "ab", 2) == 0, "append");
  pass();
}

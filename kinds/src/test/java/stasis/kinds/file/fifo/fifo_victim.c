// FIFOs: what is on its way, capacity, flags, who has been hung up on, and one whose name is gone.
#include "victim.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char folder[1024];

static int made(const char *name, int flags) {
  char path[1200];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  check(mkfifo(path, 0640) == 0 || errno == EEXIST, "%s: %m", path);
  int fd = open(path, flags);
  check(fd >= 0, "%s: %m", path);
  return fd;
}

static int events(int fd) {
  struct pollfd look = {fd, POLLIN, 0};
  check(poll(&look, 1, 0) >= 0, "poll: %m");
  return look.revents;
}

int main(void) {
  victim_start();
  snprintf(folder, sizeof folder, "%s", getenv("VICTIM_DIR") ? getenv("VICTIM_DIR") : mkdtemp((char[]){"/tmp/fifo-XXXXXX"}));
  char gone[1200];
  snprintf(gone, sizeof gone, "%s/gone", folder);

  int alone = made("alone", O_RDONLY | O_NONBLOCK);
  int left = made("left", O_RDONLY | O_NONBLOCK);
  close(made("left", O_WRONLY));
  int both = made("both", O_RDWR);
  check(fcntl(both, F_SETPIPE_SZ, 16384) == 16384, "capacity: %m");
  int writer = made("both", O_WRONLY | O_NONBLOCK);
  check(write(writer, "on its way", 10) == 10, "write: %m");
  int unnamed = made("gone", O_RDWR | O_NONBLOCK);
  int unnamed_writer = made("gone", O_WRONLY);
  check(write(unnamed_writer, "still", 5) == 5 && unlink(gone) == 0, "%m");
  pid_t child = fork();
  if (child == 0) {
    ready_wait("opened");
    _exit(write(writer, ", more", 6) == 6 ? 0 : 1);
  }
  check(events(alone) == 0 && events(left) == POLLHUP, "%x %x", events(alone), events(left));
  int flags[] = {fcntl(alone, F_GETFL), fcntl(both, F_GETFL), fcntl(writer, F_GETFL), fcntl(unnamed_writer, F_GETFL)};

  ready("opened");

  check(events(alone) == 0 && events(left) == POLLHUP, "%x %x", events(alone), events(left));
  check(fcntl(alone, F_GETFL) == flags[0] && fcntl(both, F_GETFL) == flags[1] && fcntl(writer, F_GETFL) == flags[2]
      && fcntl(unnamed_writer, F_GETFL) == flags[3], "flags");
  check(fcntl(writer, F_GETPIPE_SZ) == 16384, "capacity %d", fcntl(writer, F_GETPIPE_SZ));
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "child %x", status);
  char text[32] = "";
  check(read(both, text, 16) == 16 && strcmp(text, "on its way, more") == 0, "%s", text);
  struct stat stat;
  check(fstat(unnamed, &stat) == 0 && S_ISFIFO(stat.st_mode) && stat.st_nlink == 0 && (stat.st_mode & 0777) == 0640,
      "%o, %lu links", stat.st_mode, stat.st_nlink);
  check(access(gone, F_OK) != 0, "its name is back");
  check(write(unnamed_writer, " here", 5) == 5 && read(unnamed, text, 32) == 10 && memcmp(text, "still here", 10) == 0,
      "%s", text);
  check(write(made("alone", O_WRONLY), "x", 1) == 1 && events(alone) == (POLLIN | POLLHUP) - POLLHUP, "%x", events(alone));
  pass();
}

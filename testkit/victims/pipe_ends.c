// Pipes and fifos: which ends are open, their flags, a reader without a writer, a writer without a reader, and who is
// to be told by signal. What lies in them is body/pipe's.
#include "victim.h"
#include <poll.h>
#include <sys/stat.h>

static const char *fifo(const char *name) {
  static char path[2][1200];
  static int turn;
  char *to = path[turn++ % 2];
  snprintf(to, sizeof path[0], "%s/%s.%d", victim_has_test() ? victim_folder : "/tmp", name, getpid());
  return to;
}

int main(void) {
  victim_start();
  signal(SIGPIPE, SIG_IGN);
  int both[2], no_writer[2], no_reader[2];
  check(pipe2(both, O_CLOEXEC) == 0 && pipe2(no_writer, O_NONBLOCK) == 0 && pipe(no_reader) == 0);
  check(write(no_writer[1], "rest", 4) == 4);
  close(no_writer[1]);
  close(no_reader[0]);
  check(fcntl(both[1], F_SETFL, O_NONBLOCK) == 0);
  struct f_owner_ex owner = {F_OWNER_PID, getpid()}, found;
  check(fcntl(both[0], F_SETOWN_EX, &owner) == 0 && fcntl(both[0], F_SETSIG, SIGRTMIN + 2) == 0, "%m");
  check(fcntl(both[0], F_SETFL, O_ASYNC) == 0);
  int twin = fcntl(both[0], F_DUPFD, 500);
  check(mkfifo(fifo("named"), 0600) == 0 && mkfifo(fifo("gone"), 0640) == 0, "%m");
  int named = open(fifo("named"), O_RDWR | O_NONBLOCK), named_reader = open(fifo("named"), O_RDONLY);
  int gone_reader = open(fifo("gone"), O_RDONLY | O_NONBLOCK), gone_writer = open(fifo("gone"), O_WRONLY);
  check(named >= 0 && named_reader >= 0 && gone_reader >= 0 && gone_writer >= 0, "%m");
  check(unlink(fifo("gone")) == 0);
  check(write(named, "in the fifo", 11) == 11 && write(gone_writer, "deleted", 7) == 7);
  ready("open");
  check(fcntl(both[0], F_GETFD) == FD_CLOEXEC && fcntl(twin, F_GETFD) == 0, "descriptor flags");
  check((fcntl(both[1], F_GETFL) & O_NONBLOCK) && !(fcntl(both[0], F_GETFL) & O_NONBLOCK), "each end has its flags");
  check(fcntl(twin, F_GETFL) & O_ASYNC, "O_ASYNC");
  check(fcntl(twin, F_GETOWN_EX, &found) == 0 && found.type == F_OWNER_PID && found.pid == getpid(), "%m");
  check(fcntl(twin, F_GETSIG) == SIGRTMIN + 2);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 2);
  check(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && write(both[1], "!", 1) == 1);
  siginfo_t info;
  struct timespec limit = {5, 0};
  check(sigtimedwait(&set, &info, &limit) == SIGRTMIN + 2 && info.si_fd == both[0], "fd %d: %m", info.si_fd);
  char text[32];
  check(read(twin, text, 32) == 1 && text[0] == '!', "%m");
  check(read(no_writer[0], text, 32) == 4 && memcmp(text, "rest", 4) == 0, "%m");
  check(read(no_writer[0], text, 32) == 0, "the end: %m");
  check(write(no_reader[1], "x", 1) == -1 && errno == EPIPE, "%m");
  struct pollfd error = {no_reader[1], POLLOUT, 0};
  check(poll(&error, 1, 0) == 1 && (error.revents & POLLERR), "%x", error.revents);
  check(read(named_reader, text, 32) == 11 && memcmp(text, "in the fifo", 11) == 0, "%m");
  struct stat stat;
  check(fstat(gone_reader, &stat) == 0 && stat.st_nlink == 0 && S_ISFIFO(stat.st_mode), "%m");
  check(read(gone_reader, text, 32) == 7 && memcmp(text, "deleted", 7) == 0, "%m");
  check(access(fifo("gone"), F_OK) == -1, "its name is back");
  close(gone_writer);
  check(read(gone_reader, text, 32) == 0, "%m");
  int late = open(fifo("named"), O_WRONLY | O_NONBLOCK);
  check(late >= 0 && write(late, "later", 5) == 5 && read(named_reader, text, 32) == 5, "%m");
  unlink(fifo("named"));
  pass();
}

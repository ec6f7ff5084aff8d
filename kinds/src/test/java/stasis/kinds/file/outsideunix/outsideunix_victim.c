// A client of a server outside the tree. Refused by itself; MODE says what its user asked for.
#include "victim.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static struct sockaddr_un address(void) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  snprintf(a.sun_path, sizeof a.sun_path, "/tmp/stasis-outsideunix-%d", (int)getpid());
  return a;
}

static void serve(int listener, const char *label) {
  int first = accept(listener, NULL, NULL);
  check(first >= 0 && write(first, "unread", 6) == 6, "accept: %m");
  ready_wait(label);
  struct pollfd both[2] = {{first, POLLIN, 0}, {listener, POLLIN, 0}};
  while (poll(both, 2, 3000) > 0) {
    char byte;
    if (both[1].revents) {
      int again = accept(listener, NULL, NULL);
      check(again >= 0 && write(again, "again", 5) == 5, "accept: %m");
      break;
    }
    if (read(first, &byte, 1) == 1) {
      check(write(first, "late", 4) == 4, "write: %m");
      break;
    }
    both[0].fd = -1;
  }
  _exit(0);
}

static void says(int fd, const char *text) {
  char got[16] = {0};
  for (size_t n = 0; n < strlen(text);) {
    ssize_t more = read(fd, got + n, strlen(text) - n);
    check(more > 0, "'%s' for '%s': %m", got, text);
    n += (size_t)more;
  }
  check(strcmp(got, text) == 0, "'%s' for '%s'", got, text);
}

int main(void) {
  victim_start();
  const char *mode = getenv("MODE") ? getenv("MODE") : "", *label = *mode ? "carried" : "refused";
  struct sockaddr_un a = address();
  int listener = socket(AF_UNIX, SOCK_STREAM, 0), size = 50000;
  check(bind(listener, (struct sockaddr *)&a, sizeof a) == 0 && listen(listener, 5) == 0, "bind: %m");
  pid_t middle = fork();
  if (middle == 0) {
    if (fork() != 0) _exit(0);
    setsid();
    serve(listener, label);
  }
  check(waitpid(middle, NULL, 0) == middle, "waitpid: %m");
  close(listener);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  check(connect(fd, (struct sockaddr *)&a, sizeof a) == 0, "connect: %m");
  check(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) == 0, "SO_RCVBUF: %m");
  struct pollfd unread = {fd, POLLIN, 0};
  check(poll(&unread, 1, 5000) == 1, "nothing comes");
  signal(SIGPIPE, SIG_IGN);
  ready(label);
  socklen_t length = sizeof size;
  check(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &length) == 0 && size == 100000, "SO_RCVBUF %d", size);
  char byte;
  if (!strcmp(mode, "disconnect")) {
    says(fd, "unread");
    check(read(fd, &byte, 1) == 0 && write(fd, "q", 1) == -1 && errno == EPIPE, "not hung up: %m");
  } else if (!strcmp(mode, "reconnect")) {
    says(fd, "again");
  } else {
    says(fd, "unread");
    check(write(fd, "q", 1) == 1, "write: %m");
    says(fd, "late");
  }
  unlink(a.sun_path);
  pass();
}

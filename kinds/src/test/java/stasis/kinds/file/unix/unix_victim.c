// A unix socket's own: options, buffers, a filter, mode and owner, flags, several descriptors; a thread that waits in
// it. With its peer in a task outside it is refused.
#include "victim.h"
#include <linux/filter.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

static int get(int s, int name) {
  int value = -1;
  socklen_t n = sizeof value;
  check(getsockopt(s, SOL_SOCKET, name, &value, &n) == 0, "option %d: %m", name);
  return value;
}

static void set(int s, int name, int value) {
  check(setsockopt(s, SOL_SOCKET, name, &value, sizeof value) == 0, "option %d: %m", name);
}

static int s[2], waiting[2];
static char heard[16];

static void *listener(void *none) {
  ssize_t n = recv(waiting[1], heard, sizeof heard, 0);
  check(n == 5, "heard %zd: %m", n);
  return none;
}

static void outsider(void) {
  int ends[2], status;
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair: %m");
  pid_t child = fork();
  if (child == 0) {
    if (fork() == 0) {
      close(ends[0]);
      setsid();
      for (int fd = 0; fd < 3; fd++) close(fd);
      char c;
      _exit(read(ends[1], &c, 1) != 0);
    }
    _exit(0);
  }
  close(ends[1]);
  check(waitpid(child, &status, 0) == child, "waitpid: %m");
  int urgent[2];
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, urgent) == 0 && send(urgent[0], "ab", 2, MSG_OOB) == 2, "urgent: %m");
  ready("refused");
  close(ends[0]);
}

int main(void) {
  victim_start();
  check(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s) == 0, "socketpair: %m");
  int names[] = {SO_SNDBUF, SO_RCVBUF, SO_PASSCRED, SO_PRIORITY, SO_TIMESTAMP, SO_RCVLOWAT, SO_BROADCAST, SO_PEEK_OFF};
  int values[] = {20000, 30000, 1, 3, 1, 7, 1, 0}, seen[8];
  for (int i = 0; i < 8; i++) {
    set(s[0], names[i], values[i]);
    seen[i] = get(s[0], names[i]);
  }
  struct linger linger = {1, 9}, linger2;
  struct timeval patience = {2, 340000}, patience2, given;
  socklen_t n = sizeof given;
  check(setsockopt(s[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0, "linger: %m");
  check(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0, "timeout: %m");
  check(getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &given, &n) == 0, "timeout: %m");
  // Takes 3 bytes of each message.
  struct sock_filter three = BPF_STMT(BPF_RET | BPF_K, 3);
  struct sock_fprog program = {1, &three};
  int packets[2];
  check(socketpair(AF_UNIX, SOCK_DGRAM, 0, packets) == 0 && write(packets[0], "before", 6) == 6, "packets: %m");
  check(setsockopt(packets[1], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0, "filter: %m");
  set(packets[1], SO_LOCK_FILTER, 1);
  check(fchmod(s[0], 0640) == 0 && fcntl(s[0], F_SETFL, O_NONBLOCK) == 0, "fchmod: %m");
  int copy = fcntl(s[0], F_DUPFD_CLOEXEC, 40);
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, waiting) == 0, "socketpair: %m");
  pthread_t thread;
  check(pthread_create(&thread, NULL, listener, NULL) == 0, "thread");
  ready("options");
  for (int i = 0; i < 8; i++) check(get(s[0], names[i]) == seen[i], "option %d is %d", names[i], get(s[0], names[i]));
  n = sizeof linger2;
  check(getsockopt(s[0], SOL_SOCKET, SO_LINGER, &linger2, &n) == 0 && linger2.l_linger == 9, "linger");
  n = sizeof patience2;
  check(getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &patience2, &n) == 0, "timeout: %m");
  check(patience2.tv_sec == given.tv_sec && patience2.tv_usec == given.tv_usec, "timeout %ld.%06ld",
        (long)patience2.tv_sec, (long)patience2.tv_usec);
  struct stat st;
  check(fstat(s[0], &st) == 0 && (st.st_mode & 07777) == 0640 && st.st_uid == geteuid(), "mode %o", st.st_mode);
  check(fcntl(copy, F_GETFL) & O_NONBLOCK, "flags");
  check(fcntl(copy, F_SETFL, 0) == 0 && !(fcntl(s[0], F_GETFL) & O_NONBLOCK), "two descriptions");
  char buffer[16] = {0};
  check(read(packets[1], buffer, 16) == 6 && strcmp(buffer, "before") == 0, "'%s'", buffer);
  check(write(packets[0], "after", 5) == 5 && read(packets[1], buffer, 16) == 3, "no filter: %m");
  check(setsockopt(packets[1], SOL_SOCKET, SO_DETACH_FILTER, &(int){0}, sizeof(int)) == -1 && errno == EPERM,
        "not locked: %m");
  check(write(waiting[0], "hello", 5) == 5, "write: %m");
  check(pthread_join(thread, NULL) == 0 && strcmp(heard, "hello") == 0, "heard %s", heard);
  outsider();
  pass();
}

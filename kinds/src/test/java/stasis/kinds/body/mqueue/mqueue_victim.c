// POSIX message queues that were unlinked while they are open: short and long messages of several priorities, one whose
// name another queue has now, one that a child reads.
#include "victim.h"
#include <mqueue.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char text[6000];

static void put(mqd_t queue, char what, size_t length, unsigned priority) {
  memset(text, what, length);
  check(mq_send(queue, text, length, priority) == 0, "mq_send: %m");
}

static void take(mqd_t queue, char what, ssize_t length, unsigned priority) {
  unsigned got;
  ssize_t had = mq_receive(queue, text, sizeof text, &got);
  check(had == length && got == priority, "%zd of priority %u: %m", had, got);
  for (ssize_t i = 0; i < length; i++) check(text[i] == what, "byte %zd is %d", i, text[i]);
}

static mqd_t make(const char *name) {
  struct mq_attr shape = {.mq_maxmsg = 8, .mq_msgsize = 6000};
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0640, &shape);
  check(queue >= 0, "mq_open: %m");
  return queue;
}

static long waiting(mqd_t queue) {
  struct mq_attr now;
  check(mq_getattr(queue, &now) == 0 && now.mq_maxmsg == 8 && now.mq_msgsize == 6000, "%ld", now.mq_maxmsg);
  return now.mq_curmsgs;
}

// Its name is another's, which is the host's and stays.
static void renamed(void) {
  char name[64];
  snprintf(name, sizeof name, "/stasis.again.%d", getpid());
  mqd_t first = make(name);
  check(mq_unlink(name) == 0, "%m");
  mqd_t second = make(name);
  put(first, 'f', 10, 1);
  put(second, 's', 20, 2);
  ready("renamed");
  mqd_t found = mq_open(name, O_RDWR);
  check(found >= 0, "%m");
  take(found, 's', 20, 2);
  take(first, 'f', 10, 1);
  check(mq_unlink(name) == 0 && waiting(first) == 0 && waiting(second) == 0, "%m");
}

int main(void) {
  victim_start();
  char name[64];
  snprintf(name, sizeof name, "/stasis.gone.%d", getpid());
  mqd_t queue = make(name);
  mqd_t input = mq_open(name, O_RDONLY | O_NONBLOCK);
  check(input >= 0 && mq_unlink(name) == 0, "%m");
  put(queue, 'a', 6000, 3);
  put(queue, 'b', 1, 3);
  put(queue, 'c', 4048, 32767);
  put(queue, 'd', 4049, 0);
  put(queue, 'e', 0, 3);
  int said[2];
  check(pipe(said) == 0, "%m");
  pid_t child = fork();
  if (child == 0) {
    char more[6000];
    unsigned priority;
    check(write(said[1], "", 1) == 1, "%m");
    ready_wait("unlinked");
    check(mq_receive(queue, more, sizeof more, &priority) == 4048 && more[9] == 'c' && priority == 32767, "%m");
    _exit(0);
  }
  char byte;
  check(read(said[0], &byte, 1) == 1, "%m");
  ready("unlinked");
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "%x", status);
  check(waiting(input) == 4, "%ld wait", waiting(input));
  struct stat stat;
  check(fstat(queue, &stat) == 0 && stat.st_nlink == 0 && (stat.st_mode & 0777) == 0640, "%o", stat.st_mode);
  check(mq_open(name, O_RDWR) < 0 && errno == ENOENT, "it has its name again: %m");
  take(input, 'a', 6000, 3);
  take(queue, 'b', 1, 3);
  take(input, 'e', 0, 3);
  put(queue, 'g', 5, 1);
  take(input, 'g', 5, 1);
  take(input, 'd', 4049, 0);
  check(mq_receive(input, text, sizeof text, NULL) < 0 && errno == EAGAIN, "%m");
  renamed();
  pass();
}

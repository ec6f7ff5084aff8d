// POSIX message queues, with what is in them; one that is to notify the program is refused, as is an unlinked one.
#include "victim.h"
#include <mqueue.h>
#include <sys/wait.h>

static void take(mqd_t queue, const char *text, unsigned priority) {
  char message[100] = "";
  unsigned got;
  ssize_t length = mq_receive(queue, message, sizeof message, &got);
  check(length == (ssize_t)strlen(text) && !strcmp(message, text) && got == priority, "%zd %s %u: %m", length, message,
      got);
}

int main(void) {
  victim_start();
  char name[64];
  snprintf(name, sizeof name, "/stasis.%d", getpid());
  struct mq_attr shape = {.mq_maxmsg = 5, .mq_msgsize = 100};
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &shape);
  mqd_t input = mq_open(name, O_RDONLY | O_NONBLOCK);
  mqd_t output = mq_open(name, O_WRONLY);
  check(queue >= 0 && input >= 0 && output >= 0, "mq_open: %m");
  check(mq_send(queue, "low", 3, 1) == 0 && mq_send(queue, "high", 4, 9) == 0, "%m");
  struct sigevent tell = {.sigev_notify = SIGEV_NONE};
  check(mq_notify(input, &tell) == 0, "%m");
  ready("refused");
  check(mq_notify(input, NULL) == 0, "%m");
  ready("filled");
  struct mq_attr now;
  check(mq_getattr(input, &now) == 0 && now.mq_flags == O_NONBLOCK && now.mq_curmsgs == 2 && now.mq_maxmsg == 5, "%ld",
      now.mq_curmsgs);
  check(mq_getattr(queue, &now) == 0 && now.mq_flags == 0, "%lx", now.mq_flags);
  char message[100];
  check(mq_receive(output, message, sizeof message, NULL) < 0 && errno == EBADF, "%m");
  check(mq_send(output, "middle", 6, 5) == 0, "%m");
  take(queue, "high", 9);
  take(input, "middle", 5);
  take(input, "low", 1);
  check(mq_receive(input, message, sizeof message, NULL) < 0 && errno == EAGAIN, "%m");
  check(mq_unlink(name) == 0, "%m");
  pass();
}

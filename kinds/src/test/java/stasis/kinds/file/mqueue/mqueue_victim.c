// POSIX message queues, with what is in them; one tells a child of its next
// message, one nobody, and one begins a thread.
#include "victim.h"
#include <mqueue.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>

static void take(mqd_t queue, const char *text, unsigned priority) {
  char message[100] = "";
  unsigned got;
  ssize_t length = mq_receive(queue, message, sizeof message, &got);
  check(length == (ssize_t)strlen(text) && !strcmp(message, text) && got == priority, "%zd %s %u: %m", length, message,
      got);
}

static sem_t begun_once;
static void *begun_with;
static void begun(union sigval value) {
  begun_with = value.sival_ptr;
  sem_post(&begun_once);
}

// Of two that are asked for, each begins its own thread; one goes off before the checkpoint.
static void told_by_thread(mqd_t queue) {
  check(sem_init(&begun_once, 0, 0) == 0, "%m");
  char name[64];
  snprintf(name, sizeof name, "/stasis.begun.%d", getpid());
  mqd_t other = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
  check(other >= 0 && mq_unlink(name) == 0, "%m");
  struct sigevent tell = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = begun,
      .sigev_value.sival_ptr = (void *)0x5000};
  check(mq_notify(other, &tell) == 0, "%m");
  check(mq_send(other, "", 0, 0) == 0 && sem_wait(&begun_once) == 0 && begun_with == (void *)0x5000, "%m");
  tell.sigev_value.sival_ptr = (void *)0x6000;
  check(mq_notify(other, &tell) == 0, "%m");
  char message[8192];
  check(mq_receive(other, message, sizeof message, NULL) == 0, "%m");
  ready("threaded");
  check(mq_notify(other, &tell) < 0 && errno == EBUSY, "it is not told any more");
  check(mq_send(other, "", 0, 0) == 0, "%m");
  struct timespec patience;
  clock_gettime(CLOCK_REALTIME, &patience);
  patience.tv_sec += 10;
  check(sem_timedwait(&begun_once, &patience) == 0 && begun_with == (void *)0x6000, "%p: %m", begun_with);
  check(mq_notify(queue, &tell) == 0 && mq_notify(queue, NULL) == 0, "it tells nobody any more: %m");
  check(mq_close(other) == 0, "%m");
}

// A child asked for it, through a description that it has from its parent: told once, then no more.
static void told_by_signal(void) {
  char name[64];
  snprintf(name, sizeof name, "/stasis.told.%d", getpid());
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
  check(queue >= 0, "mq_open: %m");
  pid_t child = fork();
  if (child == 0) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 3);
    sigprocmask(SIG_BLOCK, &set, NULL);
    struct sigevent tell = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3,
        .sigev_value.sival_ptr = (void *)0x123456789abcL};
    check(mq_notify(queue, &tell) == 0, "mq_notify: %m");
    ready_wait("told");
    siginfo_t info = {0};
    struct timespec patience = {10, 0};
    check(sigtimedwait(&set, &info, &patience) == SIGRTMIN + 3, "not told: %m");
    check(info.si_code == SI_MESGQ && info.si_value.sival_ptr == tell.sigev_value.sival_ptr
        && info.si_pid == getppid(), "told %d %p by %d", info.si_code, info.si_value.sival_ptr, info.si_pid);
    check(mq_notify(queue, &tell) == 0, "it was told, and is still to be told: %m");
    _exit(0);
  }
  check(child > 0, "fork: %m");
  struct sigevent other = {.sigev_notify = SIGEV_NONE};
  while (mq_notify(queue, &other) == 0) {
    check(mq_notify(queue, NULL) == 0, "mq_notify: %m");
    usleep(1000);
  }
  ready("told");
  check(mq_send(queue, "", 0, 0) == 0, "mq_send: %m");
  int status = 0;
  check(waitpid(child, &status, 0) == child && status == 0, "the child ended with %x", status);
  check(mq_unlink(name) == 0 && mq_close(queue) == 0, "mq_unlink: %m");
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
  told_by_thread(queue);
  told_by_signal();
  struct sigevent nobody = {.sigev_notify = SIGEV_NONE};
  check(mq_notify(input, &nobody) == 0, "%m");
  ready("filled");
  check(mq_notify(queue, &nobody) < 0 && errno == EBUSY, "nobody is not told any more");
  check(mq_notify(queue, NULL) == 0, "%m");
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

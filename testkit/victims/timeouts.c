// Each thread waits once in a call with a time limit; the wait must end by its limit: not by EINTR, not much too early,
// and with the value the call gives for it. The limits are long enough to be caught in.
#include "victim.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>

#define LIMIT_MS 6000
#define EARLY_MS 3000  // what may be missing: less than the wait had before it was caught, and much less than the rest

static const struct timespec LIMIT = {LIMIT_MS / 1000, LIMIT_MS % 1000 * 1000000L};

static struct timespec after(clockid_t clock) {
  struct timespec at;
  clock_gettime(clock, &at);
  at.tv_sec += LIMIT.tv_sec;
  return at;
}

static int timed_socket(void) {
  int pair[2];
  struct timeval limit = {LIMIT_MS / 1000, LIMIT_MS % 1000 * 1000};
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "%m");
  check(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "%m");
  return pair[0];
}

static int never;  // a futex word
static sigset_t usr2;

static long sleep_with_rem(void) {
  struct timespec rem;  // the kernel writes it at any stop, whoever stops it
  return nanosleep(&LIMIT, &rem);
}
static long sleep_without_rem(void) { return nanosleep(&LIMIT, NULL); }
static long clock_relative(void) { return clock_nanosleep(CLOCK_BOOTTIME, 0, &LIMIT, NULL); }
static long clock_absolute(void) {
  struct timespec at = after(CLOCK_MONOTONIC);
  return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}
static long in_poll(void) { return poll(NULL, 0, LIMIT_MS); }
static long in_ppoll(void) { return ppoll(NULL, 0, &LIMIT, NULL); }
static long in_select(void) {
  struct timeval limit = {LIMIT_MS / 1000, LIMIT_MS % 1000 * 1000};
  return select(0, NULL, NULL, NULL, &limit);
}
static long in_pselect(void) { return pselect(0, NULL, NULL, NULL, &LIMIT, NULL); }
static long futex_relative(void) { return syscall(SYS_futex, &never, FUTEX_WAIT, 0, &LIMIT, NULL, 0); }
static long futex_absolute(void) {
  struct timespec at = after(CLOCK_MONOTONIC);
  return syscall(SYS_futex, &never, FUTEX_WAIT_BITSET, 0, &at, NULL, FUTEX_BITSET_MATCH_ANY);
}
static long in_epoll(void) {
  struct epoll_event event;
  return epoll_wait(epoll_create1(EPOLL_CLOEXEC), &event, 1, LIMIT_MS);
}
static long in_epoll_pwait(void) {
  struct epoll_event event;
  sigset_t none;
  sigemptyset(&none);
  return epoll_pwait(epoll_create1(EPOLL_CLOEXEC), &event, 1, LIMIT_MS, &none);
}
static long in_sigtimedwait(void) { return sigtimedwait(&usr2, NULL, &LIMIT); }
static long in_semtimedop(void) {
  int id = semget(IPC_PRIVATE, 1, 0600);
  struct sembuf take = {0, -1, 0};
  long result = semtimedop(id, &take, 1, &LIMIT);
  int error = errno;
  semctl(id, 0, IPC_RMID);
  errno = error;
  return result;
}
static long in_receive(void) {
  char byte;
  return recv(timed_socket(), &byte, 1, 0);
}
static long in_read(void) {
  char byte;
  return read(timed_socket(), &byte, 1);
}
static long in_condition(void) {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  struct timespec at = after(CLOCK_REALTIME);
  pthread_mutex_lock(&mutex);
  errno = pthread_cond_timedwait(&condition, &mutex, &at);
  return errno ? -1 : 0;
}

static const struct {
  const char *name;
  long (*wait)(void);
  int error;
} WAITS[] = {
    {"nanosleep", sleep_with_rem, 0},      {"nanosleep without rem", sleep_without_rem, 0},
    {"clock_nanosleep", clock_relative, 0}, {"clock_nanosleep until", clock_absolute, 0},
    {"poll", in_poll, 0},                  {"ppoll", in_ppoll, 0},
    {"select", in_select, 0},              {"pselect", in_pselect, 0},
    {"futex", futex_relative, ETIMEDOUT},  {"futex until", futex_absolute, ETIMEDOUT},
    {"epoll_wait", in_epoll, 0},           {"epoll_pwait", in_epoll_pwait, 0},
    {"sigtimedwait", in_sigtimedwait, EAGAIN}, {"recv", in_receive, EAGAIN},
    {"read", in_read, EAGAIN},             {"semtimedop", in_semtimedop, EAGAIN},
    {"pthread_cond_timedwait", in_condition, ETIMEDOUT},
};
enum { COUNT = sizeof WAITS / sizeof *WAITS };

static void *waiter(void *argument) {
  long i = (long)(intptr_t)argument;
  struct timespec began, ended;
  clock_gettime(CLOCK_MONOTONIC, &began);
  long result = WAITS[i].wait();
  int error = errno;
  clock_gettime(CLOCK_MONOTONIC, &ended);
  long took = (ended.tv_sec - began.tv_sec) * 1000 + (ended.tv_nsec - began.tv_nsec) / 1000000;
  if (WAITS[i].error) check(result == -1 && error == WAITS[i].error, "%s gave %ld, %s", WAITS[i].name, result,
                            strerror(error));
  else check(result == 0, "%s gave %ld, %s", WAITS[i].name, result, strerror(error));
  check(took >= LIMIT_MS - EARLY_MS, "%s ended after %ld ms", WAITS[i].name, took);
  return NULL;
}

int main(void) {
  victim_start();
  sigemptyset(&usr2);
  sigaddset(&usr2, SIGUSR2);
  check(sigprocmask(SIG_BLOCK, &usr2, NULL) == 0);
  pthread_t threads[COUNT];
  for (intptr_t i = 0; i < COUNT; i++) check(pthread_create(&threads[i], NULL, waiter, (void *)i) == 0);
  usleep(50000);
  ready("waiting");
  for (int i = 0; i < COUNT; i++) pthread_join(threads[i], NULL);
  pass();
}

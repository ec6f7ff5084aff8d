// A program with one of everything that makes /proc hard to read. Recorded by bin/record-proc into src/test/recorded.
// Run it in an empty directory; it prints "ready" and waits.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MADV_GUARD_INSTALL_ 102
#define MPOL_BIND_ 2

static void *thread(void *unused) {
  prctl(PR_SET_NAME, "t) S 1 (x");
  pause();
  return unused;
}

static void *map(int flags, int fd) { return mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, flags, fd, 0); }

static void *anon(int flags) {
  char *p = mmap(NULL, 6 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  p = mmap(p + 4096, 4 * 4096, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  return p;
}

static int file(const char *name) {
  int fd = open(name, O_RDWR | O_CREAT, 0644);
  ftruncate(fd, 4 * 4096);
  return fd;
}

static void timer(clockid_t clock, int how, int signal, int tid) {
  struct sigevent event;
  memset(&event, 0, sizeof event);
  event.sigev_notify = how;
  event.sigev_signo = signal;
  event.sigev_value.sival_ptr = (void *)0x1234;
  event._sigev_un._tid = tid;
  timer_t id;
  timer_create(clock, &event, &id);
}

int main(void) {
  char *p = anon(0);
  madvise(p, 4 * 4096, MADV_DONTFORK);
  madvise(anon(0), 4 * 4096, MADV_WIPEONFORK);
  madvise(anon(0), 4 * 4096, MADV_DONTDUMP);
  madvise(anon(0), 4 * 4096, MADV_NOHUGEPAGE);
  anon(MAP_NORESERVE);
  anon(MAP_GROWSDOWN);
  mlock2(anon(0), 4 * 4096, MLOCK_ONFAULT);
  p = anon(0);
  mlock(p, 4 * 4096);
  madvise(anon(0) + 4096, 4096, MADV_GUARD_INSTALL_);
  unsigned long nodes = 1;
  syscall(SYS_mbind, anon(0), 4 * 4096, MPOL_BIND_, &nodes, 8, 0);
  map(MAP_SHARED | MAP_ANONYMOUS, -1);
  int newline = file("new\nline (deleted)");
  map(MAP_SHARED, newline);
  map(MAP_PRIVATE, file("back\\012slash"));
  unlink("back\\012slash");
  map(MAP_SHARED, file("caf\xe9 \xff"));
  int memory = memfd_create("memory", MFD_ALLOW_SEALING);
  ftruncate(memory, 4096);
  map(MAP_SHARED, memory);

  int epoll = epoll_create1(0);
  int counter = eventfd(3, EFD_SEMAPHORE);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = 0x1122334455667788};
  epoll_ctl(epoll, EPOLL_CTL_ADD, counter, &event);
  int ends[2];
  pipe2(ends, O_NONBLOCK | O_CLOEXEC);
  event.events = EPOLLOUT;
  epoll_ctl(epoll, EPOLL_CTL_ADD, ends[1], &event);
  int watcher = inotify_init1(0);
  inotify_add_watch(watcher, ".", IN_CREATE | IN_DELETE);
  inotify_add_watch(watcher, "caf\xe9 \xff", IN_MODIFY);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGRTMAX);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signalfd(-1, &set, 0);
  int alarm_fd = timerfd_create(CLOCK_MONOTONIC, 0);
  struct itimerspec period = {{5, 7}, {100000, 9}};
  timerfd_settime(alarm_fd, 0, &period, NULL);
  lseek(newline, 4321, SEEK_SET);
  struct flock part = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 20};
  fcntl(newline, F_SETLK, &part);
  flock(newline, LOCK_SH);

  signal(SIGHUP, SIG_IGN);
  signal(SIGUSR2, (void (*)(int))thread);
  kill(getpid(), SIGUSR1);
  pthread_t id;
  pthread_create(&id, NULL, thread, NULL);
  timer(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0);
  timer(CLOCK_REALTIME, SIGEV_NONE, 0, 0);
  timer(CLOCK_PROCESS_CPUTIME_ID, SIGEV_THREAD_ID, SIGUSR2, getpid());
  prctl(PR_SET_NAME, "a) b\n\\c");
  puts("ready");
  fflush(stdout);
  pause();
}

// Changes one thing after another and halts after each, so that the oracle can be seen to notice. Each label is the name
// of the change that was made just before; "start" is before the first. Steps that need a capability are left out
// without it. Passes if it gets to its end.
#include "victim.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#define PAGE 4096

#define change(label, ...)                                  \
  do {                                                      \
    check((__VA_ARGS__), "while changing " label ": %m");   \
    ready(label);                                           \
  } while (0)

static int worker_waits;

static void *worker(void *unused) {
  worker_waits = 1;
  for (;;) pause();
  return unused;
}

static void caught(int signal) { (void)signal; }

static int new_thread(void) {
  pthread_t id;
  if (pthread_create(&id, NULL, worker, NULL)) return 0;
  while (!__atomic_load_n(&worker_waits, __ATOMIC_SEQ_CST)) sched_yield();
  return 1;
}

static int write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  int ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
  close(fd);
  return ok;
}

static void memory(void) {
  char *map = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(map, 1, 16 * PAGE);
  change("mmap", map != MAP_FAILED);
  map[5 * PAGE] = 2;
  change("content", 1);
  change("mprotect", mprotect(map + 8 * PAGE, 4 * PAGE, PROT_READ) == 0);
  change("dontfork", madvise(map, 4 * PAGE, MADV_DONTFORK) == 0);
  change("mlock", mlock(map + 4 * PAGE, 2 * PAGE) == 0);
  unsigned long node = 1;
  change("mbind", syscall(SYS_mbind, map + 12 * PAGE, 4 * PAGE, 2, &node, 8, 0) == 0);
  change("munmap", munmap(map + 6 * PAGE, PAGE) == 0);
  change("brk", sbrk(0x100000) != (void *)-1);
  change("thp", prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
}

static void files(void) {
  int fd = open("file", O_RDWR | O_CREAT, 0644);
  change("open", fd >= 0 && ftruncate(fd, 100) == 0);
  change("seek", lseek(fd, 55, SEEK_SET) == 55);
  change("append", fcntl(fd, F_SETFL, O_APPEND) == 0);
  change("cloexec", fcntl(fd, F_SETFD, FD_CLOEXEC) == 0);
  int twin = dup(fd);
  change("dup", twin >= 0 && fcntl(twin, F_SETFD, FD_CLOEXEC) == 0);
  close(twin);
  check(open("file", O_RDWR | O_APPEND | O_CLOEXEC) == twin && lseek(twin, 55, SEEK_SET) == 55, "%m");
  change("undup", 1);
  struct flock part = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 4};
  change("lock", fcntl(fd, F_SETLK, &part) == 0);
  change("flock", flock(fd, LOCK_EX) == 0);
  change("write", write(fd, "x", 1) == 1);
  change("chmod", fchmod(fd, 0600) == 0);
  change("unlink", unlink("file") == 0);
  int body = memfd_create("body", 0);
  change("memfd", body >= 0);
  change("truncate", ftruncate(body, 3 * PAGE) == 0);
  int counter = eventfd(0, 0), poll = epoll_create1(0), watch = inotify_init1(0), ends[2];
  check(pipe(ends) == 0, "%m");
  change("anonymous", counter >= 0 && poll >= 0 && watch >= 0);
  change("eventfd", eventfd_write(counter, 3) == 0);
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = 9};
  change("epoll", epoll_ctl(poll, EPOLL_CTL_ADD, ends[0], &event) == 0);
  change("inotify", inotify_add_watch(watch, ".", IN_CREATE) == 1);
  sigset_t set;
  sigemptyset(&set);
  int signals = signalfd(-1, &set, 0);
  sigaddset(&set, SIGUSR2);
  change("signalfd", signalfd(signals, &set, 0) == signals);
  int alarm_fd = timerfd_create(CLOCK_MONOTONIC, 0);
  struct itimerspec once = {{0, 0}, {5000, 0}};
  change("timerfd", alarm_fd >= 0 && timerfd_settime(alarm_fd, 0, &once, NULL) == 0);
  once.it_value.tv_sec = 9000;
  change("later", timerfd_settime(alarm_fd, 0, &once, NULL) == 0);
  change("close", close(counter) == 0);
}

static void signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  change("mask", sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  change("pending", kill(getpid(), SIGUSR2) == 0);
  change("pending-thread", raise(SIGUSR2) == 0);
  change("ignore", signal(SIGHUP, SIG_IGN) != SIG_ERR);
  change("catch", signal(SIGALRM, caught) != SIG_ERR);
  timer_t timer;
  change("timer", timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0);
}

static void attributes(void) {
  change("comm", prctl(PR_SET_NAME, "other) name") == 0);
  change("umask", umask(0135) != 0135);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = 99;
  change("rlimit", setrlimit(RLIMIT_NOFILE, &limit) == 0);
  change("nice", setpriority(PRIO_PROCESS, 0, 3) == 0);
  struct sched_param none = {0};
  change("batch", sched_setscheduler(0, SCHED_BATCH, &none) == 0);
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(0, &cpus);
  change("affinity", sched_setaffinity(0, sizeof cpus, &cpus) == 0);
  change("ioprio", syscall(SYS_ioprio_set, 1, 0, 3 << 13) == 0);
  change("timerslack", prctl(PR_SET_TIMERSLACK, 77777) == 0);
  change("personality", personality(ADDR_NO_RANDOMIZE) >= 0);
  change("oom", write_file("/proc/self/oom_score_adj", "500"));
  change("coredump", write_file("/proc/self/coredump_filter", "0x7"));
  change("chdir", chdir("/usr") == 0);
  static struct { void *list; long offset; void *pending; } robust;
  robust.list = &robust.list;
  change("robust", syscall(SYS_set_robust_list, &robust, sizeof robust) == 0);
  change("thread", new_thread());
}

static void privileges(void) {
  if (geteuid() == 0) {
    change("bounding", prctl(PR_CAPBSET_DROP, 2) == 0);
    gid_t group = 12345;
    change("groups", setgroups(1, &group) == 0);
    change("gid", setresgid(-1, 4242, -1) == 0);
    change("uts", unshare(CLONE_NEWUTS) == 0);
  }
  change("no-new-privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {1, &all};
  change("seccomp", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

int main(void) {
  victim_start();
  ready("start");
  memory();
  files();
  signals();
  attributes();
  privileges();
  pass();
}

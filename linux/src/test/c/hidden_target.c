/* A program with much state the kernel shows through no file. Sets it, asks for it back by the calls meant for that,
 * writes the answers to argv[1] as lines "KEY VALUE", then waits. Keys of a thread start with its tid. The process that
 * was started is the parent of the one looked at: it waits for it, then adds what its semaphore adjustments did. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 7
#define MANY 150
#define NS 1000000000L
#define SEMS 5

static FILE *out;
static pthread_barrier_t ready;
static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;
static int tids[THREADS];
static int set_a, set_b;
static int iopl_level, ioperm_set, perf_opened;
static char selector;
static uint32_t word = 77;
static struct timespec rest;
static struct pollfd polled[3];

static void die(const char *what) { fprintf(out, "failed %s: %s\n", what, strerror(errno)); fflush(out); _exit(1); }
static void must(long result, const char *what) { if (result < 0) die(what); }
static void handler(int signal) { (void)signal; }

static int64_t now(int clock) {
  struct timespec t;
  must(clock_gettime(clock, &t), "clock_gettime");
  return t.tv_sec * NS + t.tv_nsec;
}

/* Word `field` (from 1) of a one-line file, with the name in parentheses counted as one. */
static void word_of(const char *path, int field, char *value) {
  char line[4096];
  FILE *f = fopen(path, "r");
  if (!f || !fgets(line, sizeof line, f)) die(path);
  fclose(f);
  char *p = strrchr(line, ')') ? strrchr(line, ')') : line;
  for (int i = strchr(line, ')') ? 2 : 1; i < field; i++) p = strchr(p + 1, ' ');
  sscanf(p + (*p == ' '), "%s", value);
}

static void report_thread(int n, int syscall_nr) {
  int tid = gettid();
  char path[64], text[64], text2[64];
  pthread_mutex_lock(&printing);
  stack_t s;
  must(sigaltstack(0, &s), "sigaltstack");
  fprintf(out, "%d.altstack 0x%lx %zu %d\n", tid, (long)s.ss_sp, s.ss_size, s.ss_flags);
  void *p = 0;
  must(prctl(PR_GET_TID_ADDRESS, &p), "PR_GET_TID_ADDRESS");
  fprintf(out, "%d.clear_child_tid 0x%lx\n", tid, (long)p);
  /* fork() of glibc asks for CLONE_CHILD_SETTID and CLONE_CHILD_CLEARTID at one address; pthread_create() for the
   * second alone */
  fprintf(out, "%d.set_child_tid 0x%lx\n", tid, n == 0 ? (long)p : 0L);
  size_t bytes;
  must(syscall(SYS_get_robust_list, 0, &p, &bytes), "get_robust_list");
  fprintf(out, "%d.robust_list 0x%lx\n", tid, (long)p);
  unsigned long mask;
  must(syscall(SYS_rt_sigprocmask, SIG_BLOCK, 0, &mask, 8), "rt_sigprocmask");
  fprintf(out, "%d.blocked %016lx\n", tid, mask);
  int slack = prctl(PR_GET_TIMERSLACK);
  fprintf(out, "%d.slack %d\n", tid, slack);
  must(prctl(PR_SET_TIMERSLACK, 0), "PR_SET_TIMERSLACK");
  fprintf(out, "%d.default_slack %d\n", tid, prctl(PR_GET_TIMERSLACK));
  must(prctl(PR_SET_TIMERSLACK, slack), "PR_SET_TIMERSLACK");
  fprintf(out, "%d.personality %d\n", tid, personality(0xffffffff));
  int signal;
  must(prctl(PR_GET_PDEATHSIG, &signal), "PR_GET_PDEATHSIG");
  fprintf(out, "%d.pdeath %d\n", tid, signal);
  fprintf(out, "%d.securebits %d\n", tid, prctl(PR_GET_SECUREBITS));
  fprintf(out, "%d.no_new_privs %d\n", tid, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  fprintf(out, "%d.seccomp %d\n", tid, n == 2 ? 2 : 0);
  fprintf(out, "%d.rseq 0x%lx %d\n", tid, (long)__builtin_thread_pointer() + __rseq_offset, RSEQ_SIG);
  fprintf(out, "%d.exit_signal %d\n", tid, n == 0 ? SIGCHLD : -1);
  fprintf(out, "%d.ioprio %ld\n", tid, syscall(SYS_ioprio_get, 1, tid));
  int mode;
  unsigned long nodes = 0;
  must(syscall(SYS_get_mempolicy, &mode, &nodes, 64L, 0, 0), "get_mempolicy");
  fprintf(out, "%d.mempolicy %d %lu\n", tid, mode, nodes);
  fprintf(out, "%d.dispatch %s 0x%lx 0x%lx %ld\n", tid, n == 3 ? "true" : "false", n == 3 ? (long)&selector : 0L,
      n == 3 ? 0x10000L : 0L, n == 3 ? 0x2000L : 0L);
  fprintf(out, "%d.iopl %d\n", tid, n == 4 ? iopl_level : 0);
  fprintf(out, "%d.ioperm %s\n", tid, n == 5 && ioperm_set ? "true" : "false");
  fprintf(out, "%d.io_uring %s\n", tid, n == 1 ? "true" : "false");
  fprintf(out, "%d.perf %s\n", tid, n == 6 && perf_opened ? "true" : "false");
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
  word_of(path, 22, text);
  word_of(path, 9, text2);
  fprintf(out, "%d.start_ticks %s\n%d.flags %s\n", tid, text, tid, text2);
  fprintf(out, "%d.syscall %d\n", tid, syscall_nr);
  tids[n] = tid;
  pthread_mutex_unlock(&printing);
}

static void set_thread(int n) {
  static char stacks[THREADS][1 << 16];
  stack_t s = {.ss_sp = stacks[n], .ss_size = sizeof stacks[n] - 4096 * n, .ss_flags = n == 3 ? (int)(1U << 31) : 0};
  if (n % 2) must(sigaltstack(&s, 0), "sigaltstack");
  unsigned long mask = 1UL << (40 + n) | 1UL << (n + 20);
  must(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, 0, 8), "rt_sigprocmask");
  /* what the leader has while it makes threads is their default */
  must(prctl(PR_SET_TIMERSLACK, n == 0 ? 61000 : 50000 + 1111 * n), "PR_SET_TIMERSLACK");
  must(prctl(PR_SET_PDEATHSIG, n == 0 ? SIGKILL : 30 + n), "PR_SET_PDEATHSIG");
  if (n == 1) {
    must(personality(ADDR_NO_RANDOMIZE | STICKY_TIMEOUTS), "personality");
    char params[256] = {0};
    must(syscall(SYS_io_uring_setup, 4, params), "io_uring_setup");
  }
  if (n == 2) {
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog filter = {1, &allow};
    for (int i = 0; i < 2; i++) must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), "PR_SET_SECCOMP");
  }
  if (n == 3) must(prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0x10000, 0x2000, &selector), "PR_SET_SYSCALL_USER_DISPATCH");
  if (n == 4) {
    must(prctl(PR_SET_KEEPCAPS, 1), "PR_SET_KEEPCAPS");
    iopl_level = syscall(SYS_iopl, 3) == 0 ? 3 : 0; /* ENOSYS without CONFIG_X86_IOPL_IOPERM */
  }
  if (n == 5) {
    ioperm_set = syscall(SYS_ioperm, 0x80, 1, 1) == 0;
    unsigned long nodes = 1;
    must(syscall(SYS_set_mempolicy, 2 | 1 << 15 /* MPOL_BIND | MPOL_F_STATIC_NODES */, &nodes, 64L), "set_mempolicy");
  }
  if (n == 6) {
    must(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 5), "ioprio_set");
    struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .config = PERF_COUNT_SW_TASK_CLOCK};
    perf_opened = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0) >= 0;
  }
}

static void *sleeper(void *argument) {
  long n = (long)argument;
  static const int calls[] = {SYS_pause, SYS_nanosleep, SYS_futex, SYS_poll, SYS_clock_nanosleep, SYS_rt_sigsuspend,
      SYS_rt_sigtimedwait};
  set_thread((int)n);
  report_thread((int)n, calls[n]);
  int64_t begun = now(n == 4 ? CLOCK_BOOTTIME : CLOCK_MONOTONIC);
  fprintf(out, "%d.begun %ld\n", tids[n], begun);
  pthread_barrier_wait(&ready);
  struct timespec t = {100 * n, 5};
  unsigned long mask = n == 6 ? 1UL << 46 : 1UL << 55 | 1UL << 3;
  switch (n) {
    case 1: syscall(SYS_nanosleep, &t, &rest); break;
    case 2: syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 77, &t, 0, 0); break;
    case 3: syscall(SYS_poll, polled, 3, 300000); break;
    case 4: syscall(SYS_clock_nanosleep, CLOCK_BOOTTIME, 0, &t, 0); break;
    case 5: syscall(SYS_rt_sigsuspend, &mask, 8); break;
    case 6: syscall(SYS_rt_sigtimedwait, &mask, 0, &t, 8); break;
  }
  for (;;) pause();
  return 0;
}

/* `on` is the clock it runs on: the kernel puts a relative CLOCK_REALTIME timer on CLOCK_MONOTONIC. */
static void report_timer(int id, int clock, int notify, int signal, long value, int tid, int on) {
  struct itimerspec got;
  int64_t before = now(on);
  must(syscall(SYS_timer_gettime, id, &got), "timer_gettime");
  int64_t after = now(on), left = got.it_value.tv_sec * NS + got.it_value.tv_nsec;
  /* The kernel keeps the clocks of the caller itself as those of task 0. */
  int kept = clock == CLOCK_PROCESS_CPUTIME_ID ? -6 : clock == CLOCK_THREAD_CPUTIME_ID ? -2 : clock;
  int measured = clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID ? getpid() : 0;
  if (clock < 0) measured = ~(clock >> 3);
  fprintf(out, "timer.%d %d %d %d 0x%lx %d %ld %d %d %ld %ld %ld\n", id, kept, notify, signal, value, tid,
      got.it_interval.tv_sec * NS + got.it_interval.tv_nsec, on == clock ? kept : on, measured, left ? before + left : 0, left ? after + left : 0,
      syscall(SYS_timer_getoverrun, id));
}

static int timer(int clock, int notify, int signal, long value, int tid, long first, long interval) {
  struct sigevent e = {.sigev_notify = notify, .sigev_signo = signal, .sigev_value.sival_ptr = (void *)value};
  e._sigev_un._tid = tid;
  int id = -1;
  must(syscall(SYS_timer_create, clock, &e, &id), "timer_create");
  struct itimerspec set = {{interval / NS, interval % NS}, {first / NS, first % NS}};
  int absolute = clock == CLOCK_REALTIME && first > 1000000 * NS;
  must(syscall(SYS_timer_settime, id, absolute ? TIMER_ABSTIME : 0, &set, 0), "timer_settime");
  /* Expired at once, its signal blocked: what it answers then is computed. */
  if (first == 1) usleep(2000);
  /* Expires over and over; one signal is taken, which says how many were missed. */
  if (interval == NS / 1000) {
    unsigned long mask = 1UL << (signal - 1);
    usleep(20000);
    must(syscall(SYS_rt_sigtimedwait, &mask, 0, 0, 8), "rt_sigtimedwait");
  }
  report_timer(id, clock, notify, signal, value, tid, clock == CLOCK_REALTIME && !absolute ? CLOCK_MONOTONIC : clock);
  return id;
}

static void timers(void) {
  int pid = getpid();
  timer(CLOCK_REALTIME, SIGEV_SIGNAL, 40, 0x1122334455667788, pid, 5000 * NS + 7, 3 * NS + 9);
  timer(CLOCK_REALTIME, SIGEV_SIGNAL, 47, -1, pid, now(CLOCK_REALTIME) + 5000 * NS, 0);
  int hole = timer(CLOCK_MONOTONIC, SIGEV_SIGNAL, 41, 1, pid, NS, 0);
  timer(CLOCK_MONOTONIC, SIGEV_NONE, 0, 2, pid, 6000 * NS, 0);
  timer(CLOCK_BOOTTIME, SIGEV_SIGNAL | SIGEV_THREAD_ID, 42, 3, tids[3], 7000 * NS, NS / 2);
  timer(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, 43, 4, pid, 8000 * NS, 0);
  timer(CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL, 44, 5, pid, 9000 * NS, 2 * NS);
  timer((int)(~(unsigned)tids[2] << 3 | 6), SIGEV_SIGNAL, 44, 10, pid, 9500 * NS, 0);
  timer(CLOCK_MONOTONIC, SIGEV_SIGNAL, 45, 6, pid, 0, 0);
  timer(CLOCK_MONOTONIC, SIGEV_SIGNAL | SIGEV_THREAD_ID, 41, 7, pid, 1, 3600 * NS);
  timer(CLOCK_MONOTONIC, SIGEV_NONE, 0, 8, pid, 1, 1800 * NS);
  timer(CLOCK_MONOTONIC, SIGEV_SIGNAL | SIGEV_THREAD_ID, 21, 11, pid, NS / 1000, NS / 1000);
  for (int i = 0; i < MANY; i++) timer(CLOCK_MONOTONIC, SIGEV_SIGNAL, 46, 100 + i, pid, (10000 + i) * NS, NS);
  must(syscall(SYS_timer_delete, hole), "timer_delete");
  fprintf(out, "timer.%d gone\n", hole);
  int probe = timer(CLOCK_MONOTONIC, SIGEV_SIGNAL, 41, 9, pid, NS, 0);
  must(syscall(SYS_timer_delete, probe), "timer_delete");
  fprintf(out, "timer.%d gone\nnext_timer %d\n", probe, probe + 1);
}

static void itimer(int which, const char *name, int clock) {
  struct itimerval set = {{100 + which, 250000}, {2000 + which, 0}}, got;
  must(setitimer(which, &set, 0), "setitimer");
  int64_t before = now(clock);
  must(getitimer(which, &got), "getitimer");
  int64_t left = got.it_value.tv_sec * NS + got.it_value.tv_usec * 1000, after = now(clock);
  fprintf(out, "itimer.%s %ld %ld %ld\n", name, got.it_interval.tv_sec * NS + got.it_interval.tv_usec * 1000,
      before + left, after + left);
}

static void attributes(void) {
  must(prctl(PR_SET_DUMPABLE, 0), "PR_SET_DUMPABLE");
  fprintf(out, "dumpable %d\n", prctl(PR_GET_DUMPABLE));
  must(prctl(PR_SET_CHILD_SUBREAPER, 1), "PR_SET_CHILD_SUBREAPER");
  int subreaper;
  must(prctl(PR_GET_CHILD_SUBREAPER, &subreaper), "PR_GET_CHILD_SUBREAPER");
  fprintf(out, "subreaper %s\n", subreaper ? "true" : "false");
  must(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), "PR_SET_THP_DISABLE");
  fprintf(out, "thp_disable %s\n", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) ? "true" : "false");
  prctl(65 /* PR_SET_MDWE */, 3, 0, 0, 0);
  int mdwe = prctl(66 /* PR_GET_MDWE */, 0, 0, 0, 0);
  if (mdwe >= 0) fprintf(out, "mdwe %d\n", mdwe);
  prctl(67 /* PR_SET_MEMORY_MERGE */, 1, 0, 0, 0);
  int merge = prctl(68 /* PR_GET_MEMORY_MERGE */, 0, 0, 0, 0);
  if (merge >= 0) fprintf(out, "memory_merge %s\n", merge ? "true" : "false");
  must(syscall(SYS_membarrier, 1 << 4 /* REGISTER_PRIVATE_EXPEDITED */, 0, 0), "membarrier");
  long registered = syscall(SYS_membarrier, 1 << 9 /* GET_REGISTRATIONS */, 0, 0);
  if (registered >= 0) fprintf(out, "membarrier %ld\n", registered);
  must(mlockall(MCL_FUTURE | MCL_ONFAULT), "mlockall");
  unsigned int entry[4] = {0, 0x1000, 0xfffff, 0x51};
  fprintf(out, "ldt %s\n", syscall(SYS_modify_ldt, 1, entry, sizeof entry) == 0 ? "true" : "false");
  fprintf(out, "brk 0x%lx\n", (long)sbrk(0));
  static const struct { const char *name; int field; } words[] = {{"start_code", 26}, {"end_code", 27},
      {"start_stack", 28}, {"start_data", 45}, {"end_data", 46}, {"start_brk", 47}, {"arg_start", 48},
      {"arg_end", 49}, {"env_start", 50}, {"env_end", 51}};
  for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
    char value[64];
    word_of("/proc/self/stat", words[i].field, value);
    fprintf(out, "%s 0x%llx\n", words[i].name, strtoull(value, 0, 10));
  }
}

static void actions(void) {
  struct sigaction a = {.sa_handler = handler, .sa_flags = SA_RESTART | SA_ONSTACK};
  sigaddset(&a.sa_mask, SIGINT);
  sigaddset(&a.sa_mask, 64);
  for (int i = 34; i < 50; i += 3) must(sigaction(i, &a, 0), "sigaction");
  signal(SIGPIPE, SIG_IGN);
  a.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESETHAND;
  must(sigaction(SIGUSR1, &a, 0), "sigaction");
  for (int i = 1; i <= 64; i++) {
    struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } k;
    must(syscall(SYS_rt_sigaction, i, 0, &k, 8), "rt_sigaction");
    fprintf(out, "action.%d 0x%lx %ld 0x%lx %016lx\n", i, (long)k.handler, k.flags, (long)k.restorer, k.mask);
  }
}

static void adjust(int set, int sem, int by) {
  struct sembuf op = {(unsigned short)sem, (short)by, SEM_UNDO};
  must(semop(set, &op, 1), "semop");
}

static int child(void) {
  fprintf(out, "pid %d\n", getpid());
  must(pthread_barrier_init(&ready, 0, THREADS), "barrier");
  set_thread(0);
  pthread_t thread;
  for (long i = 1; i < THREADS; i++) must(-pthread_create(&thread, 0, sleeper, (void *)i), "pthread_create");
  report_thread(0, SYS_pause);
  pthread_barrier_wait(&ready);
  adjust(set_a, 1, 3);
  adjust(set_a, 4, 7);
  adjust(set_a, 4, -2);
  adjust(set_b, 0, 9);
  actions();
  timers();
  itimer(ITIMER_REAL, "real", CLOCK_MONOTONIC);
  itimer(ITIMER_VIRTUAL, "virtual", CLOCK_PROCESS_CPUTIME_ID);
  itimer(ITIMER_PROF, "prof", CLOCK_PROCESS_CPUTIME_ID);
  attributes();
  for (int64_t until = now(CLOCK_PROCESS_CPUTIME_ID) + NS / 5; now(CLOCK_PROCESS_CPUTIME_ID) < until;) { }
  struct itimerval left[3];
  for (int i = 1; i < 3; i++) must(getitimer(i, &left[i]), "getitimer");
  for (int i = 1; i < 3; i++)
    fprintf(out, "left.%s %ld\n", i == 1 ? "virtual" : "prof",
        left[i].it_value.tv_sec * NS + left[i].it_value.tv_usec * 1000);
  fprintf(out, "futex 0x%lx 77\nnanosleep 0x%lx\npoll 0x%lx 3\n", (long)&word, (long)&rest, (long)polled);
  fprintf(out, "done 1\n");
  fflush(out);
  for (;;) pause();
  return 0;
}

static void *outliver(void *unused) {
  (void)unused;
  usleep(10000);
  fprintf(out, "pid %d\n%d.blocked 0\n%d.syscall %d\ndone 1\n", getpid(), gettid(), gettid(), SYS_pause);
  fflush(out);
  for (;;) pause();
  return 0;
}

/* A second argument: the leader goes, a thread stays. */
static int leaderless(void) {
  pthread_t thread;
  must(-pthread_create(&thread, 0, outliver, 0), "pthread_create");
  pthread_exit(0);
}

int main(int argc, char **argv) {
  if (argc == 3 && (out = fopen(argv[1], "w"))) return leaderless();
  if (argc != 2 || !(out = fopen(argv[1], "w"))) return 2;
  for (int i = 0; i < 3; i++) polled[i].fd = -1;
  unsigned short before[2][SEMS], after[2][SEMS];
  int sets[2] = {set_a = semget(IPC_PRIVATE, SEMS, 0600), set_b = semget(IPC_PRIVATE, SEMS, 0600)};
  for (int s = 0; s < 2; s++)
    for (int i = 0; i < SEMS; i++) must(semctl(sets[s], i, SETVAL, 20), "semctl");
  fflush(out);
  pid_t pid = fork();
  if (pid == 0) return child();
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  /* Once the child says so, its adjustments are made and it only waits. */
  for (char text[64] = ""; kill(pid, 0) == 0; usleep(1000)) {
    FILE *f = fopen(argv[1], "r");
    int done = 0;
    while (fgets(text, sizeof text, f)) done |= strncmp(text, "done", 4) == 0;
    fclose(f);
    if (done) break;
    if (waitpid(pid, 0, WNOHANG) > 0) break;
  }
  for (int s = 0; s < 2; s++) must(semctl(sets[s], 0, GETALL, before[s]), "GETALL");
  waitpid(pid, 0, 0);
  fseek(out, 0, SEEK_END);
  for (int s = 0; s < 2; s++) {
    must(semctl(sets[s], 0, GETALL, after[s]), "GETALL");
    fprintf(out, "undo.%d", sets[s]);
    for (int i = 0; i < SEMS; i++) fprintf(out, " %d", after[s][i] - before[s][i]);
    fprintf(out, "\n");
    semctl(sets[s], 0, IPC_RMID);
  }
  fprintf(out, "gone 1\n");
  fclose(out);
  return 0;
}

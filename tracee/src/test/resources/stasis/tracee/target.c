// A program that checks itself while it is being traced: 7 threads, each in another state a tracer can meet.
// argv[1]: a file it shares its counters through (struct report). Line comments name the word offsets the test reads.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SPIN, SLEEP, FUTEX, EPOLL, PIPE, TIMED_FUTEX, MAIN, COUNT };

struct report {
  volatile long tid[8];       // words 0..7
  volatile long rounds[8];    // 8..15: grows while the thread gets on
  volatile long errors[8];    // 16..23: registers wrong, a result wrong, a sleep too short
  volatile long eintr[8];     // 24..31: needless EINTR
  volatile long late_us;      // 32: the latest end of a sleep
  volatile long signals;      // 33: SIGUSR1 seen
  char message[256];
};

static struct report *report;
static int futex_word, event_fd, pipe_fds[2];

#define WRONG(who, ...) (report->errors[who]++, snprintf(report->message, sizeof report->message, __VA_ARGS__))

static long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

// What the spinning loops load, compare and store. Order: rax rbx rcx rdx rsi rdi rbp r8..r15.
unsigned long spin_gpr[15], spin_rsp, spin_rounds, spin_failed, spin_flags;
unsigned char spin_in[2048] __attribute__((aligned(64))), spin_out[2048] __attribute__((aligned(64)));
unsigned long spin_k_in[8], spin_k_out[8];

asm(".altmacro\n"
    ".macro each1 mnemonic, reg, i, stride, base, load\n"
    " .if \\load\n \\mnemonic \\base+\\stride*\\i(%rip), %\\reg\\i\n .else\n \\mnemonic %\\reg\\i, \\base+\\stride*\\i(%rip)\n"
    " .endif\n.endm\n"
    ".macro each mnemonic, reg, n, stride, base, load\n"
    " .set index, 0\n .rept \\n\n each1 \\mnemonic, \\reg, %index, \\stride, \\base, \\load\n .set index, index+1\n .endr\n"
    ".endm\n"
    ".macro check reg, i\n cmp spin_gpr+8*\\i(%rip), %\\reg\n jne 8f\n.endm\n"
    ".macro gpr reg, i\n mov spin_gpr+8*\\i(%rip), %\\reg\n.endm\n"
    ".macro spin name, mnemonic, reg, n, stride, masks\n"
    ".globl \\name\n\\name:\n"
    " push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n mov %rsp, spin_rsp(%rip)\n"
    " each \\mnemonic, \\reg, \\n, \\stride, spin_in, 1\n"
    " .if \\masks\n each kmovq, k, 8, 8, spin_k_in, 1\n .endif\n"
    " gpr rax,0\n gpr rbx,1\n gpr rcx,2\n gpr rdx,3\n gpr rsi,4\n gpr rdi,5\n gpr rbp,6\n gpr r8,7\n gpr r9,8\n"
    " gpr r10,9\n gpr r11,10\n gpr r12,11\n gpr r13,12\n gpr r14,13\n gpr r15,14\n"
    " mov %rax, -8(%rsp)\n mov %rbx, -128(%rsp)\n"
    " std\n"                                     // a flag nobody else sets, to be found again at the end
    "1: check rax,0\n check rbx,1\n check rcx,2\n check rdx,3\n check rsi,4\n check rdi,5\n check rbp,6\n check r8,7\n"
    " check r9,8\n check r10,9\n check r11,10\n check r12,11\n check r13,12\n check r14,13\n check r15,14\n"
    " cmp -8(%rsp), %rax\n jne 8f\n cmp -128(%rsp), %rbx\n jne 8f\n cmp spin_rsp(%rip), %rsp\n jne 8f\n"
    " decq spin_rounds(%rip)\n jnz 1b\n jmp 9f\n"
    "8: movq $1, spin_failed(%rip)\n"
    "9: mov spin_rsp(%rip), %rsp\n lea -512(%rsp), %rsp\n pushf\n popq spin_flags(%rip)\n cld\n"
    " mov spin_rsp(%rip), %rsp\n"
    " each \\mnemonic, \\reg, \\n, \\stride, spin_out, 0\n"
    " .if \\masks\n each kmovq, k, 8, 8, spin_k_out, 0\n .endif\n"
    " pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret\n.endm\n"
    " spin spin_zmm, vmovdqu64, zmm, 32, 64, 1\n"
    " spin spin_ymm, vmovdqu, ymm, 16, 32, 0\n"
    " spin spin_xmm, movdqu, xmm, 16, 16, 0\n");
void spin_zmm(void), spin_ymm(void), spin_xmm(void);

static void *spin(void *unused) {
  report->tid[SPIN] = syscall(SYS_gettid);
  int zmm = __builtin_cpu_supports("avx512bw"), ymm = __builtin_cpu_supports("avx");
  size_t bytes = zmm ? 2048 : ymm ? 512 : 256;
  for (;;) {
    for (int i = 0; i < 15; i++) spin_gpr[i] = 0x9e3779b97f4a7c15UL * (i + 1 + report->rounds[SPIN]);
    for (size_t i = 0; i < bytes; i++) spin_in[i] = i * 31 + report->rounds[SPIN];
    for (int i = 0; i < 8; i++) spin_k_in[i] = 0xfedcba9876543210UL ^ (long)i << 40;
    memset(spin_out, 0, sizeof spin_out);
    spin_rounds = 150000;
    spin_failed = 0;
    (zmm ? spin_zmm : ymm ? spin_ymm : spin_xmm)();
    if (spin_failed) WRONG(SPIN, "a general register or the red zone changed");
    if (!(spin_flags & 0x400)) WRONG(SPIN, "the direction flag is gone: %lx", spin_flags);
    if (memcmp(spin_in, spin_out, bytes)) WRONG(SPIN, "a vector register changed");
    if (zmm && memcmp(spin_k_in, spin_k_out, sizeof spin_k_in)) WRONG(SPIN, "a mask register changed");
    report->rounds[SPIN]++;
  }
}

static void slept(int who, long began, long wanted_ns) {
  long over_us = (now_ns() - began - wanted_ns) / 1000;
  if (over_us < 0) WRONG(who, "slept %ld us too short", -over_us);
  if (over_us > report->late_us) report->late_us = over_us;
}

static void *sleeper(void *unused) {
  report->tid[SLEEP] = syscall(SYS_gettid);
  for (;; report->rounds[SLEEP]++) {
    struct timespec t = {0, 40000000}, left;
    long began = now_ns();
    long r = syscall(SYS_nanosleep, &t, &left);
    if (r == 0) slept(SLEEP, began, 40000000);
    else if (errno == EINTR) report->eintr[SLEEP]++;
    else WRONG(SLEEP, "nanosleep: errno %d", errno);
  }
}

static void *waiter(void *unused) {
  report->tid[FUTEX] = syscall(SYS_gettid);
  for (;; report->rounds[FUTEX]++) {
    int seen = __atomic_load_n(&futex_word, __ATOMIC_SEQ_CST);
    if (syscall(SYS_futex, &futex_word, FUTEX_WAIT, seen, NULL, NULL, 0) < 0 && errno != EAGAIN) {
      if (errno == EINTR) report->eintr[FUTEX]++;
      else WRONG(FUTEX, "futex: errno %d", errno);
    }
  }
}

static void *poller(void *unused) {
  report->tid[EPOLL] = syscall(SYS_gettid);
  int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(epoll, EPOLL_CTL_ADD, event_fd, &event);
  for (;; report->rounds[EPOLL]++) {
    int n = epoll_wait(epoll, &event, 1, -1);
    long value;
    if (n == 1) {
      if (read(event_fd, &value, 8) != 8) WRONG(EPOLL, "read of the eventfd: errno %d", errno);
    } else if (n < 0 && errno == EINTR) report->eintr[EPOLL]++;
    else WRONG(EPOLL, "epoll_wait %d, errno %d", n, errno);
  }
}

static void *reader(void *unused) {
  report->tid[PIPE] = syscall(SYS_gettid);
  unsigned char wanted = 0, got;
  for (;; report->rounds[PIPE]++) {
    int n = read(pipe_fds[0], &got, 1);
    if (n == 1) {
      if (got != wanted++) WRONG(PIPE, "a byte of the pipe was lost");
    } else if (n < 0 && errno == EINTR) report->eintr[PIPE]++;
    else WRONG(PIPE, "read %d, errno %d", n, errno);
  }
}

static void *timed_waiter(void *unused) {
  static int never;
  report->tid[TIMED_FUTEX] = syscall(SYS_gettid);
  for (;; report->rounds[TIMED_FUTEX]++) {
    struct timespec t = {0, 40000000};
    long began = now_ns();
    long r = syscall(SYS_futex, &never, FUTEX_WAIT, 0, &t, NULL, 0);
    if (r < 0 && errno == ETIMEDOUT) slept(TIMED_FUTEX, began, 40000000);
    else if (r < 0 && errno == EINTR) report->eintr[TIMED_FUTEX]++;
    else WRONG(TIMED_FUTEX, "futex %ld, errno %d", r, errno);
  }
}

static void on_signal(int signal) { report->signals++; }

int main(int argc, char **argv) {
  int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
  if (fd < 0 || ftruncate(fd, 4096)) return 1;
  report = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  event_fd = eventfd(0, 0);
  if (pipe(pipe_fds)) return 1;
  sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal, .sa_flags = SA_RESTART}, NULL);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  sigaddset(&blocked, 40);
  pthread_sigmask(SIG_BLOCK, &blocked, NULL);
  void *(*roles[])(void *) = {spin, sleeper, waiter, poller, reader, timed_waiter};
  pthread_t thread;
  for (int i = 0; i < MAIN; i++) pthread_create(&thread, NULL, roles[i], NULL);
  unsigned char byte = 0;
  for (report->tid[MAIN] = getpid();; report->rounds[MAIN]++) {
    struct timespec t = {0, 10000000};
    nanosleep(&t, NULL);
    __atomic_add_fetch(&futex_word, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &futex_word, FUTEX_WAKE, 1, NULL, NULL, 0);
    long one = 1;
    if (write(event_fd, &one, 8) != 8 || write(pipe_fds[1], &byte, 1) != 1) WRONG(MAIN, "write: errno %d", errno);
    byte++;
  }
}

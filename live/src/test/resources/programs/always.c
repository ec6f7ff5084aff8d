// Looks at itself all the time, in every way it can at once: registers, memory, clocks, descriptors, masks, timers, a
// child it talks with. A checkpoint, a restore, a failure of either must not show anywhere. Each part counts its rounds in
// the file `rounds`, eight bytes each, so that who watches sees that all go on.
#include "victim.h"
#include <dirent.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

enum { REGISTERS, MEMORY, CLOCKS, DESCRIPTORS, TALK, PARTS };
#define WORDS (1 << 19)
#define QUEUED 3000

static volatile uint64_t *rounds;
static volatile int over;
static int file, queue[2], event, ticker, ask[2], answer[2], descriptors;
static timer_t timer;
static uint64_t *words;

// Who works all the time leaves a little of the machine to the engine.
static void rest(void) { usleep(2000); }

static void *registers(void *unused) {
  (void)unused;
  for (uint64_t round = 1; !over; round++) {
#ifdef __x86_64__
    uint64_t wrong = 0;
    double one = 1.0 + (double)(round & 1023), kept = 0;
    __m128i pattern = _mm_set1_epi64x((long long)(round * 0x9e3779b97f4a7c15UL)), found;
    __asm__ volatile(
        "mov %[r], %%rbx; lea 1(%[r]), %%r12; lea 2(%[r]), %%r13; lea 3(%[r]), %%r14; lea 4(%[r]), %%r15\n"
        "movdqa %[p], %%xmm7; movdqa %%xmm7, %%xmm15; movsd %[one], %%xmm3\n"
        "mov $65536, %%rcx\n"
        "1: cmp %[r], %%rbx; jne 2f; lea 1(%[r]), %%rax; cmp %%rax, %%r12; jne 2f\n"
        "lea 2(%[r]), %%rax; cmp %%rax, %%r13; jne 2f; lea 3(%[r]), %%rax; cmp %%rax, %%r14; jne 2f\n"
        "lea 4(%[r]), %%rax; cmp %%rax, %%r15; jne 2f; dec %%rcx; jnz 1b; jmp 3f\n"
        "2: mov $1, %[w]\n"
        "3: pxor %%xmm7, %%xmm15; movdqa %%xmm15, %[f]; movsd %%xmm3, %[k]\n"
        : [w] "+r"(wrong), [f] "=m"(found), [k] "=m"(kept)
        : [r] "r"(round * 0x100000001UL), [p] "m"(pattern), [one] "m"(one)
        : "rax", "rbx", "rcx", "r12", "r13", "r14", "r15", "xmm3", "xmm7", "xmm15", "cc", "memory");
    uint64_t halves[2];
    memcpy(halves, &found, sizeof halves);
    check(!wrong && halves[0] == 0 && halves[1] == 0 && kept == one, "registers in round %lu", round);
#else
    uint64_t sum = 0;
    for (uint64_t i = 0; i < 65536; i++) sum += i * round;
    check(sum == round * 2147450880UL, "registers in round %lu", round);
#endif
    rounds[REGISTERS]++;
    if (round % 16 == 0) rest();
  }
  return NULL;
}

static uint64_t next(uint64_t value) { return value * 6364136223846793005UL + 1442695040888963407UL; }

static void *memory(void *unused) {
  (void)unused;
  for (uint64_t seed = 1; !over; seed++) {
    uint64_t value = seed;
    for (long at = 0; at < WORDS; at++) words[at] = value = next(value);
    value = seed;
    for (long at = 0; at < WORDS; at++) check(words[at] == (value = next(value)), "word %ld of round %lu", at, seed);
    rounds[MEMORY]++;
    rest();
  }
  return NULL;
}

static uint64_t nanoseconds(clockid_t clock) {
  struct timespec now;
  check(clock_gettime(clock, &now) == 0, "%m");
  return (uint64_t)now.tv_sec * 1000000000UL + (uint64_t)now.tv_nsec;
}

static void *clocks(void *unused) {
  (void)unused;
  uint64_t monotonic = 0, boot = 0, expired = 0;
  while (!over) {
    uint64_t now = nanoseconds(CLOCK_MONOTONIC), booted = nanoseconds(CLOCK_BOOTTIME), count = 0;
    check(now >= monotonic && booted >= boot, "a clock went back");
    monotonic = now;
    boot = booted;
    check(read(ticker, &count, sizeof count) == sizeof count && count > 0, "ticks: %m");
    expired += count;
    struct itimerspec left;
    check(timerfd_gettime(ticker, &left) == 0 && left.it_interval.tv_nsec == 5000000, "%m");
    check(timer_gettime(timer, &left) == 0 && left.it_interval.tv_sec == 7200 && left.it_value.tv_sec <= 7200
        && left.it_value.tv_sec > 0, "posix timer has %ld s left", left.it_value.tv_sec);
    rounds[CLOCKS]++;
  }
  return NULL;
}

static int open_descriptors(void) {
  DIR *folder = opendir("/proc/self/fd");
  check(folder != NULL, "%m");
  int count = 0;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) count += entry->d_name[0] != '.';
  closedir(folder);
  return count;
}

static void *look(void *unused) {
  (void)unused;
  while (!over) {
    char text[8] = "";
    int queued = 0;
    struct stat status;
    check(lseek(file, 0, SEEK_CUR) == 3 && pread(file, text, 7, 0) == 7 && strcmp(text, "carried") == 0, "file: %s", text);
    check(fstat(file, &status) == 0 && status.st_size == 7, "%ld bytes", (long)status.st_size);
    check((fcntl(file, F_GETFL) & (O_APPEND | O_ACCMODE)) == (O_APPEND | O_RDWR), "flags %x", fcntl(file, F_GETFL));
    check(fcntl(file, F_GETFD) == FD_CLOEXEC && fcntl(queue[0], F_GETFD) == 0, "close on exec");
    check(ioctl(queue[0], FIONREAD, &queued) == 0 && queued == QUEUED, "%d bytes queued", queued);
    uint64_t one = 1, seen = 0;
    check(write(event, &one, 8) == 8 && read(event, &seen, 8) == 8 && seen == 6, "event counter %lu", seen);
    one = 5;
    check(write(event, &one, 8) == 8, "%m");
    sigset_t mask;
    check(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0, "mask");
    check(sigismember(&mask, SIGRTMIN + 3) && sigismember(&mask, SIGWINCH) && !sigismember(&mask, SIGRTMIN + 4), "mask");
    sigset_t pending;
    check(sigpending(&pending) == 0 && sigismember(&pending, SIGRTMIN + 3), "what was pending is not");
    check(!sigismember(&pending, SIGRTMIN + 5), "a signal from nowhere");
    // Saying READY takes one for a moment.
    for (int tries = 0; open_descriptors() != descriptors && tries < 2000; tries++) usleep(1000);
    check(open_descriptors() == descriptors, "%d descriptors, not %d", open_descriptors(), descriptors);
    rounds[DESCRIPTORS]++;
    usleep(1000);
  }
  return NULL;
}

static void child(void) {
  uint64_t asked, expected = 1;
  ssize_t got;
  while ((got = read(ask[0], &asked, sizeof asked)) != 0) {
    check(got == sizeof asked && asked == expected++, "asked %lu, %zd bytes: %m", asked, got);
    asked = asked * 3;
    check(write(answer[1], &asked, sizeof asked) == sizeof asked, "%m");
  }
  _exit(0);
}

static void *talk(void *unused) {
  (void)unused;
  for (uint64_t number = 1; !over; number++) {
    uint64_t answered = 0;
    check(write(ask[1], &number, sizeof number) == sizeof number, "%m");
    check(read(answer[0], &answered, sizeof answered) == sizeof answered && answered == number * 3, "answer %lu", answered);
    rounds[TALK]++;
    usleep(200);
  }
  return NULL;
}

int main(void) {
  victim_start();
  int counts = open("rounds", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  check(counts >= 0 && ftruncate(counts, 4096) == 0, "%m");
  rounds = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, counts, 0);
  check(rounds != MAP_FAILED && close(counts) == 0, "%m");
  words = mmap(NULL, WORDS * sizeof *words, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(words != MAP_FAILED, "%m");
  file = open("file", O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  check(write(file, "carried", 7) == 7 && lseek(file, 3, SEEK_SET) == 3, "%m");
  static char bytes[QUEUED];
  check(pipe(queue) == 0 && write(queue[1], bytes, QUEUED) == QUEUED, "%m");
  event = eventfd(5, EFD_CLOEXEC);
  ticker = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  struct itimerspec often = {{0, 5000000}, {0, 5000000}}, rarely = {{7200, 0}, {7200, 0}};
  check(timerfd_settime(ticker, 0, &often, NULL) == 0, "%m");
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGRTMIN + 3);
  sigaddset(&blocked, SIGRTMIN + 5);
  sigaddset(&blocked, SIGWINCH);
  check(sigprocmask(SIG_SETMASK, &blocked, NULL) == 0, "%m");
  struct sigevent at_end = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 5};
  check(timer_create(CLOCK_MONOTONIC, &at_end, &timer) == 0 && timer_settime(timer, 0, &rarely, NULL) == 0, "%m");
  check(kill(getpid(), SIGRTMIN + 3) == 0, "%m");
  check(pipe2(ask, O_CLOEXEC) == 0 && pipe2(answer, O_CLOEXEC) == 0, "%m");
  signal(SIGPIPE, SIG_IGN); // an end of the child that nobody foresaw is to be told
  pid_t other = fork();
  if (other == 0) {
    close(ask[1]);
    close(answer[0]);
    child();
  }
  close(ask[0]);
  close(answer[1]);
  descriptors = open_descriptors();
  void *(*parts[])(void *) = {registers, memory, clocks, look, talk};
  pthread_t threads[PARTS];
  for (int part = 0; part < PARTS; part++) check(pthread_create(&threads[part], NULL, parts[part], NULL) == 0, "%m");
  for (int part = 0; part < PARTS; part++)
    while (rounds[part] == 0) usleep(1000);
  ready("always");
  over = 1;
  for (int part = 0; part < PARTS; part++) pthread_join(threads[part], NULL);
  close(ask[1]);
  int status;
  check(waitpid(other, &status, 0) == other && status == 0, "the child ended with %x", status);
  pass();
}

// Filters come back, common ones as one object, and those of one thread only there; none forbids the restore.
#include "victim.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

static volatile int stage;

static int deny(unsigned call, unsigned flags, unsigned with) {
  struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
                               BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | with),
                               BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {4, code};
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static int denied(long call) {
  errno = 0;
  return syscall(call, -1, -1, -1, -1, -1, -1) == -1 && errno == ENOTTY;
}

static void *worker(void *unused) {
  (void)unused;
  while (stage == 0) usleep(1000);
  check(deny(SYS_getpgid, 0, ENOTTY) == 0, "%m");
  stage = 2;
  while (stage == 2) usleep(1000);
  check(denied(SYS_getsid) && denied(SYS_munmap) && denied(SYS_getpgid), "worker is free");
  return NULL;
}

int main(void) {
  victim_start();
  if (geteuid() != 0) check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  pthread_t thread;
  check(pthread_create(&thread, NULL, worker, NULL) == 0);
  check(deny(SYS_getsid, SECCOMP_FILTER_FLAG_TSYNC, EXDEV) == 0, "%m");
  // Of two that deny alike the newer decides.
  check(deny(SYS_getsid, SECCOMP_FILTER_FLAG_TSYNC, ENOTTY) == 0, "%m");
  // What a restore does last: were the filter not suspended, it could not.
  check(deny(SYS_munmap, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG, ENOTTY) == 0, "%m");
  stage = 1;
  while (stage != 2) usleep(1000);
  ready("filtered");
  check(denied(SYS_getsid) && denied(SYS_munmap), "leader is free");
  check(!denied(SYS_getpgid), "leader has its thread's filter");
  if (geteuid() == 0) check(deny(SYS_getppid, SECCOMP_FILTER_FLAG_TSYNC, ENOTTY) != 0, "threads follow though they differ");
  stage = 3;
  pthread_join(thread, NULL);
  pass();
}

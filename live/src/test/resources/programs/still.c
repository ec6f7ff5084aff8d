// May not make itself leader of a session, so no snapshot can be taken of it, with as many MiB of its own as it is told.
#include "victim.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>

static void forbid(int call) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {sizeof code / sizeof *code, code};
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "%m");
  check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0, "%m");
}

int main(int count, char **arguments) {
  victim_start();
  size_t bytes = (size_t)(count > 1 ? atoi(arguments[1]) : 4) << 20;
  char *all = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(all != MAP_FAILED, "%m");
  for (size_t at = 0; at < bytes; at += 4096) memcpy(all + at, &at, sizeof at);
  forbid(SYS_setsid);
  ready("large");
  for (size_t at = 0; at < bytes; at += 4096) check(memcmp(all + at, &at, sizeof at) == 0, "page at %zx", at);
  pass();
}

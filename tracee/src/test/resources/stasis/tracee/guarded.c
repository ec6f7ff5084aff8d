// Sleeps under what keeps an injector out. argv[1]: which.
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void install(struct sock_filter *filter, unsigned short length) {
  struct sock_fprog program = {length, filter};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)
#define INSTALL(...) do { struct sock_filter f[] = {__VA_ARGS__}; install(f, sizeof f / sizeof *f); } while (0)
#define FORBID(nr, action) \
  INSTALL(LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), RETURN(action), RETURN(SECCOMP_RET_ALLOW))

static volatile char selector = 1; // SYSCALL_DISPATCH_FILTER_BLOCK, once outside the exempt range

int main(int argc, char **argv) {
  const char *which = argv[1];
  if (!strcmp(which, "allow")) INSTALL(RETURN(SECCOMP_RET_ALLOW));
  if (!strcmp(which, "no-munmap")) {
    INSTALL(RETURN(SECCOMP_RET_ALLOW));
    struct sock_filter f[] = {LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_munmap, 0, 1),
                              RETURN(SECCOMP_RET_KILL_PROCESS), RETURN(SECCOMP_RET_ALLOW)};
    install(f, 4);
  }
  if (!strcmp(which, "no-getpid")) {
    struct sock_filter f[] = {LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpid, 0, 1),
                              RETURN(SECCOMP_RET_KILL_PROCESS), RETURN(SECCOMP_RET_ALLOW)};
    install(f, 4);
  }
  if (!strcmp(which, "dispatch")) // all code is exempt, so that the program itself can go on
    syscall(SYS_prctl, 59, 1, 1UL, ~0UL >> 1, &selector);
  if (!strcmp(which, "compat")) {
    unsigned char *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    memcpy(code, "\xeb\xfe", 2);
    asm volatile("mov %0, %%rcx\n push $0x23\n push %%rcx\n lretq" : : "r"(code) : "rcx", "memory");
  }
  for (;;) sleep(1000);
}

// Processes of one tree that act as different users, with different capabilities and system call filters: each has its own
// and those of its parents. The root keeps all rights.
#include "victim.h"
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static int go[2], told[2];

static void deny(unsigned call) {
  struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
                               BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
                               BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {4, code};
  check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0, "%m");
}

static int denied(long call) {
  errno = 0;
  return syscall(call, -1, -1, -1, -1, -1, -1) == -1 && errno == ENOTTY;
}

static unsigned long effective(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  check(syscall(SYS_capget, &header, data) == 0, "%m");
  return data[0].effective | (unsigned long)data[1].effective << 32;
}

static void keep(unsigned long sets) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{(unsigned)sets, (unsigned)sets, 0}, {sets >> 32, sets >> 32, 0}};
  check(syscall(SYS_capset, &header, data) == 0, "%m");
}

static void user(unsigned uid) {
  gid_t groups[] = {uid + 1, uid + 2};
  check(setgroups(2, groups) == 0 && setresgid(uid, uid, uid) == 0 && setresuid(uid, uid, uid) == 0, "%m");
}

static void is(unsigned uid) {
  gid_t groups[3];
  check(getuid() == uid && geteuid() == uid && getegid() == uid && getgroups(3, groups) == 2 && groups[1] == uid + 2,
        "%d, %d", getuid(), getegid());
  check(effective() == 0, "%lx", effective());
}

// Who has no rights sees neither the folder nor what is said there: all wait for a byte of the root.
static void wait_for_root(void) {
  char byte;
  check(write(told[1], "", 1) == 1 && read(go[0], &byte, 1) == 1, "%m");
}

static void end_of(pid_t child) {
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "%d ended with %x", child, status);
}

static pid_t filtered(void) {
  pid_t child = fork();
  if (child != 0) return child;
  deny(SYS_getsid);
  pid_t inner = fork();
  if (inner == 0) {
    deny(SYS_getpgid);
    user(4000);
    wait_for_root();
    check(denied(SYS_getsid) && denied(SYS_getpgid) && !denied(SYS_sched_getparam), "filters of the grandchild");
    is(4000);
    _exit(0);
  }
  wait_for_root();
  check(denied(SYS_getsid) && !denied(SYS_getpgid), "filters of the child");
  check(geteuid() == 0 && effective() != 0, "%lx", effective());
  end_of(inner);
  _exit(0);
}

static pid_t without_rights(unsigned uid) {
  pid_t child = fork();
  if (child != 0) return child;
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "%m");
  user(uid);
  wait_for_root();
  is(uid);
  check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "it may gain privileges");
  _exit(0);
}

static pid_t with_few(unsigned long sets) {
  pid_t child = fork();
  if (child != 0) return child;
  for (int cap = 20; cap < 41; cap++) check(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0, "%m");
  keep(sets);
  wait_for_root();
  check(geteuid() == 0 && effective() == sets && prctl(PR_CAPBSET_READ, 21, 0, 0, 0) == 0, "%lx", effective());
  _exit(0);
}

int main(void) {
  victim_start();
  if (geteuid() != 0) pass();
  check(pipe(go) == 0 && pipe(told) == 0, "%m");
  pid_t children[] = {filtered(), without_rights(1000), without_rights(65534), with_few(0x3), with_few(0)};
  char bytes[6];
  for (int have = 0; have < 6;) {
    ssize_t more = read(told[0], bytes, 6 - have);
    check(more > 0, "%m");
    have += (int)more;
  }
  ready("privileges");
  check(write(go[1], bytes, 6) == 6, "%m");
  for (int i = 0; i < 5; i++) end_of(children[i]);
  check(!denied(SYS_getsid) && effective() != 0, "the root has a filter");
  pass();
}

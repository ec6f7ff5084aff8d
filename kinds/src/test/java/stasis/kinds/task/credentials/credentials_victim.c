// Ids, groups, capability sets, securebits and no_new_privs come back, each thread's its own.
#include "victim.h"
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>

struct wanted {
  unsigned uid[4], gid[4], groups[3];
  unsigned long inheritable, permitted, effective, bounding, ambient;
  int securebits, no_new_privs;
};

static struct wanted plans[] = {
    {{65534, 65534, 65534, 65534}, {65534, 65534, 65534, 65534}, {65534, 65534, 65534}, 0, 0, 0, 0, 0, 0, 0},
    {{1000, 1001, 1002, 1001}, {5, 6, 7, 6}, {1, 2, 99999}, 0xf0f, 0xff, 0x0f, 0xfff, 0x0f, 0x10, 1},
    {{0, 0, 0, 1000}, {0, 0, 0, 1000}, {0, 4, 5}, 0, 0xfffff, 0xfff00, 0xfffff, 0, 0x2f, 0},
};
enum { PLANS = sizeof plans / sizeof *plans };
static volatile int started, stage;

static void capset(unsigned long e, unsigned long p, unsigned long i) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{(unsigned)e, (unsigned)p, (unsigned)i},
                                           {(unsigned)(e >> 32), (unsigned)(p >> 32), (unsigned)(i >> 32)}};
  check(syscall(SYS_capset, &header, data) == 0, "capset: %m");
}

static void set(struct wanted *w) {
  check(syscall(SYS_setgroups, 3, w->groups) == 0, "%m");
  check(prctl(PR_SET_SECUREBITS, 4) == 0, "%m");
  for (int cap = 0; cap < 41; cap++)
    if (!(w->bounding >> cap & 1)) check(prctl(PR_CAPBSET_DROP, cap) == 0, "%m");
  check(syscall(SYS_setresgid, w->gid[0], w->gid[1], w->gid[2]) == 0, "%m");
  syscall(SYS_setfsgid, w->gid[3]);
  check(syscall(SYS_setresuid, w->uid[0], w->uid[1], w->uid[2]) == 0, "%m");
  syscall(SYS_setfsuid, w->uid[3]);
  capset(1 << 8, w->permitted | 1 << 8, w->inheritable);
  for (int cap = 0; cap < 41; cap++)
    if (w->ambient >> cap & 1) check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) == 0, "%m");
  check(prctl(PR_SET_SECUREBITS, w->securebits) == 0, "%m");
  capset(w->effective, w->permitted, w->inheritable);
  if (w->no_new_privs) check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "%m");
}

// The lines of its status that tell who it is, into `out`.
static void look(char *out) {
  static const char *const keys[] = {"Uid:",    "Gid:",    "Groups:", "CapInh:",    "CapPrm:",
                                     "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:"};
  char path[64], line[512];
  snprintf(path, sizeof path, "/proc/%d/task/%ld/status", getpid(), syscall(SYS_gettid));
  FILE *status = fopen(path, "re");
  check(status != NULL, "%s: %m", path);
  *out = 0;
  while (fgets(line, sizeof line, status))
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
      if (strncmp(line, keys[i], strlen(keys[i])) == 0) strcat(out, line);
  fclose(status);
}

static void *worker(void *argument) {
  struct wanted *w = argument;
  char before[2048], after[2048];
  set(w);
  look(before);
  __sync_fetch_and_add(&started, 1);
  while (stage != 2) usleep(10000);
  look(after);
  check(strcmp(before, after) == 0, "was %s is %s", before, after);
  check(prctl(PR_GET_SECUREBITS) == w->securebits, "securebits %x", prctl(PR_GET_SECUREBITS));
  return NULL;
}

int main(void) {
  victim_start();
  pthread_t threads[PLANS];
  for (int i = 0; i < PLANS; i++) check(pthread_create(&threads[i], NULL, worker, &plans[i]) == 0);
  while (started != PLANS) usleep(1000);
  ready("set");
  stage = 2;
  for (int i = 0; i < PLANS; i++) pthread_join(threads[i], NULL);
  pass();
}

// Policies, nice values, priorities, slices and CPU affinities come back, each thread's its own.
#include "victim.h"
#include <sched.h>
#include <sys/resource.h>

struct attr {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

struct wanted {
  const char *name;
  struct attr attr;
  int nice;
  unsigned long cpus;
};

static struct wanted plans[] = {
    {"other", {sizeof(struct attr), 0, 1, 7, 0, 0, 0, 0}, 7, 1},
    {"slice", {sizeof(struct attr), 0, 0, 0, 0, 5000000, 0, 0}, 0, 3},
    {"batch", {sizeof(struct attr), 3, 0, -3, 0, 0, 0, 0}, -3, 2},
    {"idle", {sizeof(struct attr), 5, 0, 4, 0, 0, 0, 0}, 4, 3},
    {"fifo", {sizeof(struct attr), 1, 1, 0, 3, 0, 0, 0}, 6, 1},
    {"rr", {sizeof(struct attr), 2, 0, 0, 5, 0, 0, 0}, 2, 2},
    {"deadline", {sizeof(struct attr), 6, 1, 0, 0, 2000000, 40000000, 50000000}, 0, 0},
};
enum { PLANS = sizeof plans / sizeof *plans };
static volatile int started, stage;

static void set(struct wanted *plan) {
  if (plan->cpus) check(syscall(SYS_sched_setaffinity, 0, 8, &plan->cpus) == 0, "%s: %m", plan->name);
  check(setpriority(PRIO_PROCESS, 0, plan->nice) == 0, "%s: %m", plan->name);
  check(syscall(SYS_sched_setattr, 0, &plan->attr, 0) == 0, "%s: %m", plan->name);
}

static void verify(struct wanted *plan) {
  struct attr now;
  memset(&now, 0, sizeof now);
  check(syscall(SYS_sched_getattr, 0, &now, sizeof now, 0) == 0, "%m");
  struct attr *want = &plan->attr;
  check(now.policy == want->policy && now.flags == want->flags && now.priority == want->priority, "%s: %u %lx %u",
        plan->name, now.policy, (unsigned long)now.flags, now.priority);
  check(want->runtime == 0 || now.runtime == want->runtime, "%s: runtime %lu", plan->name, (unsigned long)now.runtime);
  check(now.deadline == want->deadline && now.period == want->period, "%s: deadline", plan->name);
  errno = 0;
  int nice = getpriority(PRIO_PROCESS, 0);
  check(errno == 0 && nice == plan->nice, "%s: nice %d", plan->name, nice);
  unsigned long cpus[16] = {0};
  check(syscall(SYS_sched_getaffinity, 0, sizeof cpus, cpus) > 0, "%m");
  check(plan->cpus == 0 || cpus[0] == plan->cpus, "%s: cpus %lx", plan->name, cpus[0]);
}

static void *worker(void *argument) {
  set(argument);
  __sync_fetch_and_add(&started, 1);
  while (stage != 2) usleep(10000);
  verify(argument);
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

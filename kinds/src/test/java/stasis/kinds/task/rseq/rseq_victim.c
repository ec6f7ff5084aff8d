// The kernel goes on writing cpu_id into the C library's rseq area, and restarts an interrupted section as before.
#include "victim.h"
#include <sched.h>
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif

#ifdef RSEQ_SIG
static struct rseq *area(void) { return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset); }

static void on_each_cpu(const char *when) {
  for (int cpu = 0; cpu < 2; cpu++) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) continue;
    sched_yield();
    check((int)area()->cpu_id == cpu, "%s: cpu_id is %d on %d", when, (int)area()->cpu_id, cpu);
  }
}
#endif

int main(void) {
  victim_start();
#ifdef RSEQ_SIG
  check(__rseq_size > 0, "the C library registered no rseq area");
  on_each_cpu("before");
#endif
  ready("registered");
#ifdef RSEQ_SIG
  on_each_cpu("after");
  // Registered already: the kernel says so by EBUSY for the same area, EINVAL for another.
  check(syscall(SYS_rseq, area(), 32, 0, RSEQ_SIG) == -1 && errno == EBUSY, "%m");
#endif
  pass();
}

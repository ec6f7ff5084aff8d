// Every register a thread has: general, flags, segment bases, x87, SSE, AVX and, where there are any, AVX-512 registers
// and masks. Each thread spins in assembly that touches none of them, is caught there, and compares.
#include "victim.h"
#include <cpuid.h>
#include <sys/prctl.h>

#include <asm/prctl.h>

enum { THREADS = 3 };

struct state {
  uint64_t general[12];  // rbx, rbp, r8 … r15, rsi, rdi
  uint64_t flags;
  unsigned char x87[108];
  uint32_t mxcsr;
  unsigned char vectors[32][64] __attribute__((aligned(64)));
  uint64_t masks[8];
};

volatile int stop, spinning;  // external: the assembly names them
static int wide;

static void fill(struct state *state, int seed) {
  unsigned char *bytes = (unsigned char *)state->vectors;
  for (unsigned i = 0; i < sizeof state->vectors; i++) bytes[i] = (unsigned char)(i * 7 + (unsigned)seed * 13 + 1);
  for (int i = 0; i < 8; i++) state->masks[i] = 0x0101010101010101UL * (unsigned)(i + 2 * seed + 1);
  for (int i = 0; i < 12; i++) state->general[i] = 0xabcdef0000000000UL + (unsigned)(seed * 100 + i);
  state->mxcsr = 0x1f80 | (unsigned)(seed + 1) % 4 << 13 | 0x8000;
}

// Loads, spins until `stop`, stores.
__attribute__((target("avx512f,avx512bw"))) static void spin_wide(const struct state *in, struct state *out) {
  __asm__ volatile(
      ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
      "vmovdqu64 \\n*64(%0), %%zmm\\n\n"
      ".endr\n"
      ".irp n,0,1,2,3,4,5,6,7\n"
      "kmovq \\n*8(%2), %%k\\n\n"
      ".endr\n"
      "lock incl %4\n"
      "1: cmpl $0, %5\n"
      "je 1b\n"
      ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
      "vmovdqu64 %%zmm\\n, \\n*64(%1)\n"
      ".endr\n"
      ".irp n,0,1,2,3,4,5,6,7\n"
      "kmovq %%k\\n, \\n*8(%3)\n"
      ".endr\n"
      :
      : "r"(in->vectors), "r"(out->vectors), "r"(in->masks), "r"(out->masks), "m"(spinning), "m"(stop)
      : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22",
        "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5",
        "k6", "k7");
}

__attribute__((target("avx"))) static void spin_avx(const struct state *in, struct state *out) {
  __asm__ volatile(
      ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
      "vmovdqu \\n*64(%0), %%ymm\\n\n"
      ".endr\n"
      "lock incl %2\n"
      "1: cmpl $0, %3\n"
      "je 1b\n"
      ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
      "vmovdqu %%ymm\\n, \\n*64(%1)\n"
      ".endr\n"
      :
      : "r"(in->vectors), "r"(out->vectors), "m"(spinning), "m"(stop)
      : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static void vectors(const struct state *in, struct state *out) {
  // The x87 stack stays as it is all the while: 80-bit values, a control word with another precision.
  unsigned short control = 0x0e7f, control_after = 0;
  long double pi = 3.14159265358979323846L, third = 1.0L / 3, got[2];
  uint32_t csr = in->mxcsr;
  __asm__ volatile("fldcw %0\n fldt %1\n fldt %2\n ldmxcsr %3" : : "m"(control), "m"(pi), "m"(third), "m"(csr));
  if (wide) spin_wide(in, out);
  else spin_avx(in, out);
  __asm__ volatile("stmxcsr %0\n fstpt %1\n fstpt %2\n fnstcw %3\n fninit"
                   : "=m"(out->mxcsr), "=m"(got[0]), "=m"(got[1]), "=m"(control_after));
  csr = 0x1f80;
  __asm__ volatile("ldmxcsr %0" : : "m"(csr));
  check(memcmp(&got[0], &third, 10) == 0 && memcmp(&got[1], &pi, 10) == 0, "the x87 stack");
  check(control_after == control, "x87 control word %x", control_after);
  check(out->mxcsr == in->mxcsr, "mxcsr %x, not %x", out->mxcsr, in->mxcsr);
  int width = wide ? 64 : 32, count = wide ? 32 : 16;
  for (int i = 0; i < count; i++)
    check(memcmp(in->vectors[i], out->vectors[i], (size_t)width) == 0, "vector register %d", i);
  for (int i = 0; i < 8 && wide; i++) check(in->masks[i] == out->masks[i], "mask register %d", i);
}

static void general(const struct state *in, struct state *out) {
  __asm__ volatile(
      "push %%rbx\n push %%rbp\n push %1\n"
      "mov %0, %%rax\n"
      "mov 0(%%rax), %%rbx\n mov 8(%%rax), %%rbp\n mov 16(%%rax), %%r8\n mov 24(%%rax), %%r9\n"
      "mov 32(%%rax), %%r10\n mov 40(%%rax), %%r11\n mov 48(%%rax), %%r12\n mov 56(%%rax), %%r13\n"
      "mov 64(%%rax), %%r14\n mov 72(%%rax), %%r15\n mov 80(%%rax), %%rsi\n mov 88(%%rax), %%rdi\n"
      "lea spinning(%%rip), %%rcx\n lock incl (%%rcx)\n lea stop(%%rip), %%rcx\n"
      "1: cmpl $0, (%%rcx)\n je 1b\n"
      "pop %%rax\n"
      "mov %%rbx, 0(%%rax)\n mov %%rbp, 8(%%rax)\n mov %%r8, 16(%%rax)\n mov %%r9, 24(%%rax)\n"
      "mov %%r10, 32(%%rax)\n mov %%r11, 40(%%rax)\n mov %%r12, 48(%%rax)\n mov %%r13, 56(%%rax)\n"
      "mov %%r14, 64(%%rax)\n mov %%r15, 72(%%rax)\n mov %%rsi, 80(%%rax)\n mov %%rdi, 88(%%rax)\n"
      "pop %%rbp\n pop %%rbx\n"
      :
      : "d"(in->general), "c"(out->general)
      : "memory", "cc", "rax", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15");
  for (int i = 0; i < 12; i++)
    check(in->general[i] == out->general[i], "register %d: %lx, not %lx", i, out->general[i], in->general[i]);
}

static void *worker(void *argument) {
  int seed = (int)(intptr_t)argument;
  struct state *in = aligned_alloc(64, sizeof *in), *out = aligned_alloc(64, sizeof *out);
  memset(out, 0, sizeof *out);
  fill(in, seed);
  unsigned long fs, gs, wanted = 0x7000 + (unsigned long)seed;
  check(syscall(SYS_arch_prctl, ARCH_SET_GS, wanted) == 0, "%m");
  if (seed == 0) general(in, out);
  else vectors(in, out);
  check(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs) == 0 && gs == wanted, "gs base %lx", gs);
  check(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs) == 0 && fs == (unsigned long)pthread_self(), "fs base %lx", fs);
  return NULL;
}

int main(void) {
  victim_start();
  wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
  if (!wide && !__builtin_cpu_supports("avx")) pass();
  pthread_t threads[THREADS];
  for (intptr_t i = 0; i < THREADS; i++) check(pthread_create(&threads[i], NULL, worker, (void *)i) == 0);
  while (spinning < THREADS) usleep(1000);
  ready("loaded");
  stop = 1;
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  pass();
}

// AMX: a configuration and a tile with something in it.
#include "victim.h"

#define ARCH_REQ_XCOMP_PERM 0x1023
#define XTILEDATA 18

static unsigned char configuration[64] = {1}; // palette 1
static unsigned char rows[1024];

int main(void) {
  victim_start();
  if (syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XTILEDATA) != 0) {
    ready("none");
    pass();
  }
  configuration[16] = 64;
  configuration[48] = 16;
  memset(rows, 0x5a, sizeof rows);
  __asm__ volatile("ldtilecfg %0" ::"m"(configuration));
  // tileloadd (%rax,%rcx,1),%tmm0
  __asm__ volatile(".byte 0xc4,0xe2,0x7b,0x4b,0x04,0x08" ::"a"(rows), "c"(64L) : "memory");
  ready("mapped");
  __asm__ volatile(".byte 0xc4,0xe2,0x78,0x49,0xc0"); // tilerelease
  pass();
}

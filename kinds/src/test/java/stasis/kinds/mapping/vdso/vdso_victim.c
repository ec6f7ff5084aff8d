// The vdso is where it was, is the one the auxiliary vector names, and tells the time.
#include "victim.h"

#include <sys/auxv.h>

int main(void) {
  victim_start();
  const unsigned char *image = (const unsigned char *)getauxval(AT_SYSINFO_EHDR);
  check(image && memcmp(image, "\177ELF", 4) == 0, "no vdso at %p", (const void *)image);
  unsigned char head[64];
  memcpy(head, image, sizeof head);
  struct timespec before, after;
  clock_gettime(CLOCK_MONOTONIC, &before);
  ready("mapped");
  check(memcmp(head, image, sizeof head) == 0, "the vdso moved");
  check((const unsigned char *)getauxval(AT_SYSINFO_EHDR) == image, "auxv names another vdso");
  for (int i = 0; i < 1000; i++) {
    clock_gettime(CLOCK_MONOTONIC, &after);
    check(after.tv_sec > before.tv_sec || (after.tv_sec == before.tv_sec && after.tv_nsec >= before.tv_nsec),
        "time runs backwards");
    before = after;
  }
  pass();
}

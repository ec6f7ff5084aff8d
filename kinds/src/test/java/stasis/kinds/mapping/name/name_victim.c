// A name on anonymous memory, where the kernel knows such names.
#include "victim.h"

#include <sys/mman.h>
#include <sys/prctl.h>

#define PAGE 4096UL
#define SET_VMA 0x53564d41

int main(void) {
  victim_start();
  char *memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(memory != MAP_FAILED, "mmap: %m");
  int named = prctl(SET_VMA, 0, memory + PAGE, PAGE, "a name") == 0;
  check(named || errno == EINVAL, "prctl: %m");
  strcpy(memory + PAGE, "contents");
  ready("named");
  check(strcmp(memory + PAGE, "contents") == 0, "contents differ");
  FILE *maps = fopen("/proc/self/maps", "re");
  check(maps, "maps: %m");
  char line[512];
  int found = 0;
  while (fgets(line, sizeof line, maps)) found |= strstr(line, "[anon:a name]") != NULL;
  check(found == named, "the name is %s", found ? "new" : "gone");
  pass();
}

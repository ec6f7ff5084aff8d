// A program that has thrown its vdso away: whoever brings it back must leave it by other code.
#include "victim.h"

#include <sys/mman.h>

int main(void) {
  victim_start();
  unsigned long from[8], to[8];
  int count = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  check(maps != NULL, "%m");
  for (char line[512]; count < 8 && fgets(line, sizeof line, maps);)
    if ((strstr(line, "[vdso]") || strstr(line, "[vvar")) && sscanf(line, "%lx-%lx", &from[count], &to[count]) == 2)
      count++;
  fclose(maps);
  check(count > 0, "there is none");
  for (int i = 0; i < count; i++) check(munmap((void *)from[i], to[i] - from[i]) == 0, "%m");

  ready("gone");

  maps = fopen("/proc/self/maps", "r");
  for (char line[512]; fgets(line, sizeof line, maps);) check(!strstr(line, "[v") || strstr(line, "[vsyscall]"), "%s", line);
  fclose(maps);
  pass();
}

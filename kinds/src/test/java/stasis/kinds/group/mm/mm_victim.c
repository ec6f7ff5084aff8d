// What the kernel remembers of our start: arguments, environment, auxiliary vector, program file, heap.
#include "victim.h"

#include <sys/auxv.h>
#include <sys/stat.h>

static size_t slurp(const char *path, char *text, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  check(fd >= 0, "%s: %m", path);
  ssize_t length = read(fd, text, size);
  check(length > 0, "%s: %m", path);
  close(fd);
  return (size_t)length;
}

static const char *const files[] = {"/proc/self/cmdline", "/proc/self/environ", "/proc/self/auxv"};
static char before[3][16384], after[16384];
static size_t lengths[3];

// Fields 26 to 28 and 45 to 51 of stat: code, stack, data, heap, arguments, environment.
static void layout(char *text, size_t size) {
  static char stat[4096];
  size_t length = slurp("/proc/self/stat", stat, sizeof stat - 1);
  stat[length] = 0;
  char *field = strtok(strrchr(stat, ')') + 2, " ");
  text[0] = 0;
  for (int number = 3; field; number++, field = strtok(NULL, " "))
    if ((number >= 26 && number <= 28) || (number >= 45 && number <= 51))
      snprintf(text + strlen(text), size - strlen(text), " %s", field);
}

int main(int argc, char **argv) {
  victim_start();
  (void)argc;
  for (int i = 0; i < 3; i++) lengths[i] = slurp(files[i], before[i], sizeof before[i]);
  struct stat exe, again;
  char link[1024] = "", now[1024] = "", place[1024], place_now[1024];
  check(stat("/proc/self/exe", &exe) == 0 && readlink("/proc/self/exe", link, sizeof link - 1) > 0, "exe: %m");
  layout(place, sizeof place);
  void *end = sbrk(0);
  ready("started");
  for (int i = 0; i < 3; i++) {
    size_t length = slurp(files[i], after, sizeof after);
    check(length == lengths[i] && memcmp(before[i], after, length) == 0, "%s differs", files[i]);
  }
  check(stat("/proc/self/exe", &again) == 0 && exe.st_ino == again.st_ino && exe.st_dev == again.st_dev, "exe");
  check(readlink("/proc/self/exe", now, sizeof now - 1) > 0 && strcmp(link, now) == 0, "exe was %s is %s", link, now);
  layout(place_now, sizeof place_now);
  check(strcmp(place, place_now) == 0, "layout was%s is%s", place, place_now);
  check(sbrk(0) == end && sbrk(4096) == end, "break");
  strcpy(argv[0], "x");
  check(slurp("/proc/self/cmdline", after, sizeof after) >= 1 && after[0] == 'x', "cmdline is not argv");
  check(getauxval(AT_PAGESZ) == 4096, "auxv");
  pass();
}

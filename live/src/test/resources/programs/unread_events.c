// An inotify with events that nobody has read.
#include "victim.h"
#include <sys/inotify.h>

int main(void) {
  victim_start();
  int fd = inotify_init1(IN_NONBLOCK);
  check(fd >= 0 && inotify_add_watch(fd, victim_has_test() ? victim_folder : ".", IN_OPEN | IN_CREATE) > 0, "%m");
  close(open(victim_has_test() ? victim_folder : ".", O_RDONLY | O_CLOEXEC));
  ready("unread");
  char events[4096];
  check(read(fd, events, sizeof events) > 0, "%m");
  pass();
}

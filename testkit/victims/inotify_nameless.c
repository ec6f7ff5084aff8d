// A watch on a file that has no name any more, and is open; one beside it on its folder.
#include "victim.h"
#include <sys/inotify.h>
#include <sys/stat.h>

static void expect(int fd, int wd, uint32_t mask) {
  char buffer[512] __attribute__((aligned(8)));
  struct inotify_event *event = (struct inotify_event *)buffer;
  check(read(fd, buffer, sizeof *event) == sizeof *event && event->wd == wd && event->mask == mask,
        "no event %x of watch %d: %m, %x of %d", mask, wd, event->mask, event->wd);
}

int main(void) {
  victim_start();
  char folder[] = P_tmpdir "/nameless.XXXXXX", path[64];
  check(mkdtemp(folder) != NULL, "%m");
  snprintf(path, sizeof path, "%s/file", folder);
  int file = open(path, O_RDWR | O_CREAT, 0600), fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  int above = inotify_add_watch(fd, folder, IN_DELETE_SELF), watch = inotify_add_watch(fd, path, IN_MODIFY | IN_CLOSE);
  check(file >= 0 && above == 1 && watch == 2 && unlink(path) == 0, "%m");
  ready("nameless");
  char drop;
  check(read(fd, &drop, 1) == -1 && (errno == EAGAIN || errno == EINVAL), "an event of the restore's own");
  check(write(file, "x", 1) == 1, "%m");
  expect(fd, watch, IN_MODIFY);
  check(close(file) == 0, "%m");
  expect(fd, watch, IN_CLOSE_WRITE);
  check(rmdir(folder) == 0, "%m");
  pass();
}

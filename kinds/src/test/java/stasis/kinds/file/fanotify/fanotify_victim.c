// A fanotify group: marks on a file, on a mount with events it ignores, and flags. Who may have none has nothing to show.
#include "victim.h"
#include <sys/fanotify.h>
#include <sys/stat.h>

static int tells(int fd, uint64_t mask) {
  char buffer[4096] __attribute__((aligned(8)));
  int found = 0;
  for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;) {
    struct fanotify_event_metadata *event = (void *)buffer;
    for (; FAN_EVENT_OK(event, got); event = FAN_EVENT_NEXT(event, got)) {
      found |= event->pid == getpid() && (event->mask & mask) == mask;
      if (event->fd >= 0) close(event->fd);
    }
  }
  return found;
}

int main(void) {
  victim_start();
  char folder[] = P_tmpdir "/marks.XXXXXX", path[64];
  check(mkdtemp(folder) != NULL, "%m");
  snprintf(path, sizeof path, "%s/file", folder);
  close(open(path, O_WRONLY | O_CREAT, 0600));
  int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE, O_RDONLY | O_LARGEFILE);
  if (fd < 0) {
    ready("none");
    unlink(path), rmdir(folder);
    pass();
  }
  check(fanotify_mark(fd, FAN_MARK_ADD, FAN_MODIFY | FAN_CLOSE_WRITE, AT_FDCWD, path) == 0, "%m");
  check(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN, AT_FDCWD,
                      path) == 0, "%m");
  check(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_ATTRIB, AT_FDCWD, "/dev/shm") == 0 || errno == EINVAL
        || errno == ENOENT, "%m");

  ready("marked");

  tells(fd, 0);
  int writer = open(path, O_WRONLY);
  check(writer >= 0 && write(writer, "x", 1) == 1, "%m");
  check(tells(fd, FAN_MODIFY), "nothing tells of the change");
  close(writer);
  check(tells(fd, FAN_CLOSE_WRITE), "nothing tells of the close");
  check(fcntl(fd, F_GETFL) & O_NONBLOCK, "it would wait");
  check(fanotify_mark(fd, FAN_MARK_REMOVE, FAN_MODIFY | FAN_CLOSE_WRITE, AT_FDCWD, path) == 0, "%m");
  unlink(path), rmdir(folder);
  pass();
}

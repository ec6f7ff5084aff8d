// Watches keep their numbers, masks and inodes; numbers of watches that are gone are not given out again.
#include "victim.h"
#include <sys/inotify.h>
#include <sys/stat.h>

static char folder[1100];

static const char *in(const char *name) {
  static char path[4][2300];
  static int turn;
  char *to = path[turn++ % 4];
  snprintf(to, sizeof path[0], "%s/%s", folder, name);
  return to;
}

static void make(const char *name) { close(open(in(name), O_WRONLY | O_CREAT, 0600)); }

static void expect(int fd, int wd, uint32_t mask, const char *name) {
  char buffer[1024] __attribute__((aligned(8)));
  struct inotify_event *event = (struct inotify_event *)buffer;
  // One event at a time: no more room than for one with or without a name.
  long got = read(fd, buffer, sizeof *event + (*name ? 16 : 0));
  check(got >= (long)sizeof *event, "%s: %m", name);
  check(event->wd == wd && event->mask == mask, "%s: wd %d mask %x", name, event->wd, event->mask);
  check(strcmp(event->len ? event->name : "", name) == 0, "%s", event->name);
}

int main(void) {
  victim_start();
  snprintf(folder, sizeof folder, "%s/inotify.%d", victim_has_test() ? victim_folder : "/tmp", getpid());
  check(mkdir(folder, 0700) == 0, "%m");
  make("file");
  make("once");
  int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  int first = inotify_add_watch(fd, folder, IN_CREATE | IN_DELETE | IN_ONLYDIR);
  int gone = inotify_add_watch(fd, "/usr", IN_CREATE);
  int file = inotify_add_watch(fd, in("file"), IN_MODIFY | IN_CLOSE_WRITE);
  int once = inotify_add_watch(fd, in("once"), IN_OPEN | IN_ONESHOT);
  int excl = inotify_add_watch(fd, "/tmp", IN_MOVED_TO | IN_EXCL_UNLINK);
  check(first == 1 && gone == 2 && file == 3 && once == 4 && excl == 5, "%d %d %d %d", first, gone, file, once);
  check(inotify_rm_watch(fd, gone) == 0);
  char drop[256];
  check(read(fd, drop, sizeof drop) > 0, "IN_IGNORED");
  ready("watching");
  make("new");
  expect(fd, first, IN_CREATE, "new");
  int writer = open(in("file"), O_WRONLY);
  check(write(writer, "x", 1) == 1);
  close(writer);
  expect(fd, file, IN_MODIFY, "");
  expect(fd, file, IN_CLOSE_WRITE, "");
  close(open(in("once"), O_RDONLY));
  expect(fd, once, IN_OPEN, "");
  expect(fd, once, IN_IGNORED, "");
  check(unlink(in("new")) == 0);
  expect(fd, first, IN_DELETE, "new");
  check(read(fd, drop, sizeof drop) == -1 && errno == EAGAIN, "nothing else");
  int next = inotify_add_watch(fd, "/etc", IN_CREATE);
  check(next == 6, "the next number is %d", next);
  check(inotify_rm_watch(fd, gone) == -1 && errno == EINVAL, "the number that was gone");
  unlink(in("file"));
  unlink(in("once"));
  rmdir(folder);
  pass();
}

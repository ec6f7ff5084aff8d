// An epoll that watches files under numbers where other files stand now, watched or not.
#include "victim.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

static void watch(int epoll, int fd, uint64_t data) {
  struct epoll_event event = {EPOLLIN, {.u64 = data}};
  check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "%m");
}

static int told(int epoll, uint64_t data) {
  struct epoll_event events[8];
  int found = 0, count = epoll_wait(epoll, events, 8, 0);
  for (int i = 0; i < count; i++) found |= events[i].data.u64 == data;
  return found;
}

int main(void) {
  victim_start();
  int epoll = epoll_create1(0);
  int first = eventfd(0, EFD_CLOEXEC), moved = dup(first);
  watch(epoll, first, 1);
  int second = eventfd(0, 0), kept = dup(second);
  watch(epoll, second, 2);
  int third = eventfd(0, 0), fourth = eventfd(0, 0);
  watch(epoll, fourth, 4);
  check(dup3(third, first, O_CLOEXEC) == first && dup2(fourth, second) == second, "%m");

  ready("aside");

  check(fcntl(first, F_GETFD) == FD_CLOEXEC && fcntl(second, F_GETFD) == 0, "close-on-exec");
  check(eventfd_write(third, 1) == 0 && !told(epoll, 1) && !told(epoll, 2), "who stands there now is watched");
  check(eventfd_write(moved, 1) == 0 && told(epoll, 1) && !told(epoll, 2) && !told(epoll, 4), "the first is not watched");
  check(eventfd_write(kept, 1) == 0 && told(epoll, 2) && !told(epoll, 4), "the second is not watched");
  eventfd_t value;
  check(eventfd_read(first, &value) == 0 && value == 1, "it is another now");
  check(eventfd_write(second, 5) == 0 && eventfd_read(fourth, &value) == 0 && value == 5, "it is the fourth now");
  pass();
}

// Epolls: events and data, edge-triggered, one-shot spent and unspent, exclusive, nested, empty, a target under two
// numbers, and a target whose number was closed while a duplicate lives on.
#include "victim.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static void watch(int epoll, int fd, uint32_t events, uint64_t data) {
  struct epoll_event event = {events, {.u64 = data}};
  check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "%d: %m", fd);
}

static int has(int epoll, uint64_t data, uint32_t events) {
  struct epoll_event found[16];
  int count = epoll_wait(epoll, found, 16, 0);
  for (int i = 0; i < count; i++)
    if (found[i].data.u64 == data) return found[i].events == events;
  return 0;
}

static void add(int fd) {
  uint64_t one = 1;
  check(write(fd, &one, 8) == 8, "%m");
}

int main(void) {
  victim_start();
  int level = eventfd(1, 0), edge = eventfd(1, 0), spent = eventfd(1, 0), unspent = eventfd(0, 0), lone = eventfd(0, 0);
  int ends[2];
  check(pipe(ends) == 0);
  int epoll = epoll_create1(EPOLL_CLOEXEC), outer = epoll_create1(0), empty = epoll_create1(0);
  watch(epoll, level, EPOLLIN, 0xfedcba9876543210UL);
  watch(epoll, edge, EPOLLIN | EPOLLET, 2);
  watch(epoll, spent, EPOLLIN | EPOLLONESHOT, 3);
  watch(epoll, unspent, EPOLLIN | EPOLLONESHOT, 4);
  watch(epoll, lone, EPOLLIN | EPOLLEXCLUSIVE, 5);
  int twin = dup(level);
  watch(epoll, twin, EPOLLIN | EPOLLOUT, 6);
  int closed = dup(ends[0]);
  watch(epoll, closed, EPOLLIN, 7);
  close(closed);  // ends[0] keeps the description, so the watch lives
  watch(outer, epoll, EPOLLIN, 8);
  check(has(epoll, 3, EPOLLIN), "spends the one-shot, and the edge");
  ready("one-shot");
  check(has(epoll, 0xfedcba9876543210UL, EPOLLIN), "level");
  check(has(epoll, 6, EPOLLIN | EPOLLOUT), "the same description under its second number");
  check(!has(epoll, 3, EPOLLIN), "a spent one-shot fires again");
  check(!has(epoll, 4, EPOLLIN), "the other one-shot fired");
  check(has(outer, 8, EPOLLIN), "nested");
  check(!has(epoll, 5, EPOLLIN), "exclusive");
  add(unspent);
  add(lone);
  check(write(ends[1], "x", 1) == 1);
  struct epoll_event found[16];
  int count = epoll_wait(epoll, found, 16, 0), seen = 0;
  for (int i = 0; i < count; i++) seen |= 1 << (found[i].data.u64 & 15);
  check((seen & 1 << 4) && (seen & 1 << 5) && (seen & 1 << 7), "seen %x", seen);
  add(edge);
  check(has(epoll, 2, EPOLLIN), "a new edge");
  check(!has(epoll, 2, EPOLLIN), "an edge fires once");
  struct epoll_event again = {EPOLLIN | EPOLLONESHOT, {.u64 = 33}};
  check(epoll_ctl(epoll, EPOLL_CTL_MOD, spent, &again) == 0 && has(epoll, 33, EPOLLIN), "armed again: %m");
  check(epoll_ctl(epoll, EPOLL_CTL_DEL, level, NULL) == 0 && has(epoll, 6, EPOLLIN | EPOLLOUT), "%m");
  check(epoll_wait(empty, found, 16, 0) == 0, "%m");
  check(fcntl(epoll, F_GETFD) == FD_CLOEXEC && fcntl(outer, F_GETFD) == 0, "descriptor flags");
  pass();
}

// Open, and then dup, fork, pass to somebody who has not received it yet, unlink and close, in each of the 120 orders, of
// a file, a fifo and a bound socket: whoever has it afterwards has the same one.
#include "victim.h"
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { DUP, FORK, PASS, UNLINK, CLOSE, OPS };
enum { REGULAR, FIFO, SOCKET, SORTS };
#define ORDERS 120
#define CONTENT 8

static unsigned char orders[ORDERS][OPS];
static int opened[SORTS][ORDERS], doubled[SORTS][ORDERS], mail[SORTS][2];
static struct { pid_t pid; int wake[2]; } children[OPS];
static int sender;

static void permute(void) {
  int found = 0;
  for (int code = 0; code < OPS * OPS * OPS * OPS * OPS; code++) {
    int seen = 0, rest = code;
    unsigned char order[OPS];
    for (int i = 0; i < OPS; i++, rest /= OPS) seen |= 1 << (order[i] = rest % OPS);
    if (seen == (1 << OPS) - 1) memcpy(orders[found++], order, OPS);
  }
  check(found == ORDERS, "%d orders", found);
}

// In the folder of the test, which it is started in.
static void path(char *out, int sort, int order) { snprintf(out, 100, "order-%d-%d", sort, order); }

static int make(int sort, int order) {
  char name[100];
  path(name, sort, order);
  unlink(name);
  char content[CONTENT];
  memset(content, order, sizeof content);
  int fd;
  if (sort == SOCKET) {
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, name, sizeof name);
    check(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0, "bind %s: %m", name);
    check(sendto(sender, content, CONTENT, 0, (struct sockaddr *)&address, sizeof address) == CONTENT, "%m");
    return fd;
  }
  check(sort == REGULAR || mkfifo(name, 0600) == 0, "%m");
  fd = open(name, O_RDWR | (sort == REGULAR ? O_CREAT | O_EXCL : 0), 0600);
  check(fd >= 0 && write(fd, content, CONTENT) == CONTENT, "%s: %m", name);
  check(sort != REGULAR || lseek(fd, 3, SEEK_SET) == 3, "%m");
  return fd;
}

static void pass_on(int sort, int order, int fd) {
  char tag = (char)order, control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec part = {&tag, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET, head->cmsg_type = SCM_RIGHTS, head->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(head), &fd, sizeof fd);
  check(sendmsg(mail[sort][0], &message, MSG_DONTWAIT) == 1, "order %d of sort %d: %m", order, sort);
}

static int one_of(int sort, int order) { return opened[sort][order] >= 0 ? opened[sort][order] : doubled[sort][order]; }

static int slot_of(int order, int op) {
  int slot = 0;
  while (orders[order][slot] != op) slot++;
  return slot;
}

// It then has the double, which it made before it closed the other.
static int parent_keeps(int order) { return slot_of(order, DUP) < slot_of(order, CLOSE); }

// It is the one that was opened: what is in it, and whether it has a name.
static void look(const char *who, int sort, int order, int fd) {
  char content[CONTENT] = {0};
  int count = 0;
  struct stat now;
  check(fstat(fd, &now) == 0, "%s %d %d: %m", who, sort, order);
  if (sort == REGULAR) {
    check(pread(fd, content, CONTENT, 0) == CONTENT && content[5] == (char)order, "%s: contents of %d", who, order);
  } else {
    check(ioctl(fd, FIONREAD, &count) == 0 && count == CONTENT, "%s: %d bytes in %d of %d", who, count, order, sort);
  }
  check(sort == SOCKET || now.st_nlink == 0, "%s: %ld links of %d", who, (long)now.st_nlink, order);
}

static void child(int slot) {
  for (int sort = 0; sort < SORTS; sort++) {
    for (int order = 0; order < ORDERS; order++) {
      if (orders[order][slot] == FORK) continue;
      if (opened[sort][order] >= 0) close(opened[sort][order]);
      if (doubled[sort][order] >= 0) close(doubled[sort][order]);
      opened[sort][order] = doubled[sort][order] = -1;
    }
  }
  char byte;
  for (int i = 0; i < OPS; i++) close(children[i].wake[1]);
  check(read(children[slot].wake[0], &byte, 1) == 1, "%m");
  for (int sort = 0; sort < SORTS; sort++) {
    for (int order = 0; order < ORDERS; order++) {
      for (int twice = 0; twice < 2; twice++) {
        int fd = twice ? doubled[sort][order] : opened[sort][order];
        if (fd < 0) continue;
        look("a child", sort, order, fd);
        if (sort == REGULAR)
          check(lseek(fd, 0, SEEK_CUR) == (parent_keeps(order) ? 1000 + order : 3), "offset of %d in a child", order);
      }
    }
  }
  _exit(0);
}

static void act(int slot) {
  for (int sort = 0; sort < SORTS; sort++) {
    for (int order = 0; order < ORDERS; order++) {
      int fd = one_of(sort, order);
      char name[100];
      path(name, sort, order);
      switch (orders[order][slot]) {
        case DUP: doubled[sort][order] = fd < 0 ? -1 : dup(fd); break;
        case PASS: if (fd >= 0) pass_on(sort, order, fd); break;
        case UNLINK: check(unlink(name) == 0, "%s: %m", name); break;
        case CLOSE: close(opened[sort][order]); opened[sort][order] = -1; break;
        default: break; // below, for all at once
      }
    }
  }
  children[slot].pid = fork();
  check(children[slot].pid >= 0, "%m");
  if (children[slot].pid == 0) child(slot);
}

static void receive(int sort, int *passed) {
  char tag, control[CMSG_SPACE(sizeof(int))];
  struct iovec part = {&tag, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  while (recvmsg(mail[sort][1], &message, MSG_DONTWAIT) == 1) {
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    int fd, order = (unsigned char)tag;
    check(head != NULL && head->cmsg_type == SCM_RIGHTS, "nothing was passed with %d", order);
    memcpy(&fd, CMSG_DATA(head), sizeof fd);
    look("who it was passed to", sort, order, fd);
    if (sort == REGULAR)
      check(lseek(fd, 0, SEEK_CUR) == (parent_keeps(order) ? 1000 + order : 3), "passed offset of %d", order);
    close(fd);
    ++*passed;
    message.msg_controllen = sizeof control;
  }
}

int main(void) {
  victim_start();
  struct rlimit files;
  check(getrlimit(RLIMIT_NOFILE, &files) == 0, "%m");
  files.rlim_cur = files.rlim_max < 4096 ? files.rlim_max : 4096;
  check(setrlimit(RLIMIT_NOFILE, &files) == 0, "%m");
  permute();
  sender = socket(AF_UNIX, SOCK_DGRAM, 0);
  int expected = 0, passed = 0;
  for (int slot = 0; slot < OPS; slot++) check(pipe(children[slot].wake) == 0, "%m");
  for (int sort = 0; sort < SORTS; sort++) {
    check(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, mail[sort]) == 0, "%m");
    for (int order = 0; order < ORDERS; order++) {
      opened[sort][order] = make(sort, order);
      doubled[sort][order] = -1;
    }
  }
  for (int slot = 0; slot < OPS; slot++) act(slot);
  for (int order = 0; order < ORDERS; order++)
    expected += slot_of(order, PASS) < slot_of(order, CLOSE) || parent_keeps(order);
  ready("orders");
  for (int order = 0; order < ORDERS; order++) {
    for (int sort = 0; sort < SORTS; sort++) {
      int fd = one_of(sort, order);
      if (fd >= 0) look("the parent", sort, order, fd);
      if (fd >= 0 && sort == REGULAR) check(lseek(fd, 1000 + order, SEEK_SET) == 1000 + order, "%m");
    }
  }
  for (int sort = 0; sort < SORTS; sort++) receive(sort, &passed);
  check(passed == SORTS * expected, "%d were passed, %d expected", passed, SORTS * expected);
  for (int slot = 0; slot < OPS; slot++) {
    int status = -1;
    check(write(children[slot].wake[1], "", 1) == 1, "%m");
    check(waitpid(children[slot].pid, &status, 0) == children[slot].pid && status == 0, "child %d: %x", slot, status);
  }
  pass();
}

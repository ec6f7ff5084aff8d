// A userfaultfd of a child's memory, in a parent that has it too.
#include "victim.h"

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

static void give(int socket, int fd) {
  char byte = 0;
  char room[CMSG_SPACE(sizeof fd)];
  struct iovec bytes = {&byte, 1};
  struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  *head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(head), &fd, sizeof fd);
  check(sendmsg(socket, &message, 0) == 1, "sendmsg: %m");
}

static int take(int socket) {
  char byte = 0;
  int fd = -1;
  char room[CMSG_SPACE(sizeof fd)];
  struct iovec bytes = {&byte, 1};
  struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
  check(recvmsg(socket, &message, 0) == 1, "recvmsg: %m");
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  return fd;
}

int main(void) {
  victim_start();
  int probe = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
  if (probe < 0) {
    ready("none");
    pass();
  }
  int pair[2];
  check(close(probe) == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair: %m");
  pid_t child = fork();
  check(child >= 0, "fork: %m");
  if (child == 0) {
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
    struct uffdio_api api = {.api = UFFD_API};
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct uffdio_register range = {.range = {(uintptr_t)page, 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    check(ioctl(fd, UFFDIO_API, &api) == 0 && ioctl(fd, UFFDIO_REGISTER, &range) == 0, "userfaultfd: %m");
    give(pair[1], fd);
    ready_wait("mapped");
    _exit(0);
  }
  int fd = take(pair[0]);
  ready("mapped");
  int status = 0;
  check(waitpid(child, &status, 0) == child && status == 0 && close(fd) == 0, "the child ended with %x", status);
  pass();
}

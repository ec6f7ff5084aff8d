// Netlink sockets: one with a port of its own and groups below and above 32, one connected to the kernel.
#include "victim.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

int main(void) {
  victim_start();
  int listener = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  int asker = socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK, NETLINK_ROUTE), one = 1;
  struct sockaddr_nl here = {.nl_family = AF_NETLINK, .nl_pid = 0x40004711, .nl_groups = RTMGRP_LINK};
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK}, self = {0};
  check(bind(listener, (void *)&here, sizeof here) == 0, "bind: %m");
  int group = RTNLGRP_BRVLAN;
  check(setsockopt(listener, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0, "group: %m");
  check(setsockopt(listener, SOL_NETLINK, NETLINK_PKTINFO, &one, sizeof one) == 0, "NETLINK_PKTINFO: %m");
  check(setsockopt(asker, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof one) == 0, "NETLINK_EXT_ACK: %m");
  check(connect(asker, (void *)&kernel, sizeof kernel) == 0, "connect: %m");
  socklen_t length = sizeof self;
  check(getsockname(asker, (void *)&self, &length) == 0 && self.nl_pid != 0, "its port: %m");

  ready("open");

  struct sockaddr_nl found = {0};
  length = sizeof found;
  check(getsockname(listener, (void *)&found, &length) == 0 && found.nl_pid == here.nl_pid
        && found.nl_groups == RTMGRP_LINK, "port %x, groups %x", found.nl_pid, found.nl_groups);
  uint32_t groups[4] = {0};
  length = sizeof groups;
  check(getsockopt(listener, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &length) == 0, "groups: %m");
  check(groups[0] == RTMGRP_LINK && groups[1] == 1u << (RTNLGRP_BRVLAN - 33), "groups %x %x", groups[0], groups[1]);
  int value = 0;
  length = sizeof value;
  check(getsockopt(listener, SOL_NETLINK, NETLINK_PKTINFO, &value, &length) == 0 && value == 1, "NETLINK_PKTINFO");
  check(getsockopt(asker, SOL_NETLINK, NETLINK_EXT_ACK, &value, &length) == 0 && value == 1, "NETLINK_EXT_ACK");
  length = sizeof found;
  check(getsockname(asker, (void *)&found, &length) == 0 && found.nl_pid == self.nl_pid, "port %u", found.nl_pid);
  struct {
    struct nlmsghdr header;
    struct ifinfomsg link;
  } request = {{sizeof request, RTM_GETLINK, NLM_F_REQUEST, 1, 0}, {.ifi_index = 1}};
  check(send(asker, &request, sizeof request, 0) == sizeof request, "send: %m");
  char answer[8192];
  check(recv(asker, answer, sizeof answer, 0) > 0 && ((struct nlmsghdr *)answer)->nlmsg_type == RTM_NEWLINK, "%m");
  pass();
}

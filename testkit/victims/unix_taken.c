// Unix sockets whose names other files have taken since: an absolute and a relative one, connected to and listening.
#include "victim.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct sockaddr_un named(const char *folder, const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s%s%s", folder, *folder ? "/" : "", name);
  return address;
}

int main(void) {
  victim_start();
  // A path in an address is short.
  char folder[64] = P_tmpdir "/taken.XXXXXX";
  check(mkdtemp(folder) && chdir(folder) == 0, "%m");
  struct sockaddr_un absolute = named(folder, "datagrams"), relative = named("", "streams");
  int receiver = socket(AF_UNIX, SOCK_DGRAM, 0), sender = socket(AF_UNIX, SOCK_DGRAM, 0);
  check(bind(receiver, (void *)&absolute, sizeof absolute) == 0, "%m");
  check(connect(sender, (void *)&absolute, sizeof absolute) == 0, "%m");
  int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
  check(bind(listener, (void *)&relative, sizeof relative) == 0 && listen(listener, 3) == 0, "%m");
  check(connect(client, (void *)&relative, sizeof relative) == 0, "%m");
  check(unlink("datagrams") == 0 && mkfifo("datagrams", 0640) == 0, "%m");
  check(unlink("streams") == 0 && symlink("nowhere", "streams") == 0, "%m");
  struct stat before[2], after[2];
  check(lstat("datagrams", &before[0]) == 0 && lstat("streams", &before[1]) == 0, "%m");

  ready("taken");

  check(lstat("datagrams", &after[0]) == 0 && lstat("streams", &after[1]) == 0, "%m");
  for (int i = 0; i < 2; i++)
    check(before[i].st_ino == after[i].st_ino && before[i].st_mode == after[i].st_mode, "file %d is another", i);
  char text[16];
  check(send(sender, "ping", 4, 0) == 4 && recv(receiver, text, sizeof text, 0) == 4, "%m");
  int server = accept(listener, NULL, NULL);
  check(server >= 0 && send(client, "pong", 4, 0) == 4 && recv(server, text, sizeof text, 0) == 4, "%m");
  struct sockaddr_un name;
  socklen_t length = sizeof name;
  check(getsockname(receiver, (void *)&name, &length) == 0 && strcmp(name.sun_path, absolute.sun_path) == 0, "%s",
        name.sun_path);
  length = sizeof name;
  check(getsockname(listener, (void *)&name, &length) == 0 && strcmp(name.sun_path, "streams") == 0, "%s",
        name.sun_path);
  check(unlink("datagrams") == 0 && unlink("streams") == 0 && rmdir(folder) == 0, "%m");
  pass();
}

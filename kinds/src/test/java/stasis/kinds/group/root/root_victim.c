// A root directory of its own comes back, with the working directory inside and outside of it. The verdict is written
// from inside, so the folder of the test is the jail.
#include "victim.h"
#include <sys/stat.h>

int main(void) {
  victim_start();
  if (!victim_has_test() || geteuid() != 0) {
    ready("outside");
    ready("inside");
    pass();
  }
  struct stat jail, top, now;
  check(chdir("/") == 0 && stat("/", &top) == 0 && stat(victim_folder, &jail) == 0, "%m");
  check(chroot(victim_folder) == 0, "%m");
  strcpy(victim_folder, "/.");
  ready("outside");
  check(stat("/", &now) == 0 && now.st_ino == jail.st_ino && now.st_dev == jail.st_dev, "root is another");
  check(stat(".", &now) == 0 && now.st_ino == top.st_ino && now.st_dev == top.st_dev, "cwd is another");
  check(chdir("/") == 0);
  ready("inside");
  check(stat("/", &now) == 0 && now.st_ino == jail.st_ino && now.st_dev == jail.st_dev, "root is another");
  check(stat(".", &now) == 0 && now.st_ino == jail.st_ino && now.st_dev == jail.st_dev, "cwd is another");
  check(access("/etc/passwd", F_OK) == -1, "it escaped");
  pass();
}

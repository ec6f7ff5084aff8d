// The working directory comes back: an ordinary one, one that was deleted, one of a task that is gone.
#include "victim.h"
#include <sys/stat.h>
#include <sys/wait.h>

int main(void) {
  victim_start();
  char before[1024], after[1024];
  check(mkdir("in here (deleted)", 0755) == 0 && chdir("in here (deleted)") == 0, "%m");
  check(getcwd(before, sizeof before) != NULL, "%m");
  ready("inside");
  check(getcwd(after, sizeof after) != NULL, "%m");
  check(strcmp(before, after) == 0, "%s became %s", before, after);
  check(mkdir("gone", 0700) == 0 && chmod("gone", 01751) == 0 && chdir("gone") == 0, "%m");
  check(rmdir("../gone") == 0, "%m");
  struct stat now;
  ready("deleted");
  check(getcwd(after, sizeof after) == NULL && errno == ENOENT, "%m");
  check(stat(".", &now) == 0 && now.st_nlink == 0 && (now.st_mode & 07777) == 01751, "mode %o links %lu", now.st_mode,
        (unsigned long)now.st_nlink);
  check(open("x", O_CREAT | O_WRONLY, 0600) == -1 && errno == ENOENT, "%m");
  pid_t child = fork();
  if (child == 0) for (;;) pause();
  snprintf(before, sizeof before, "/proc/%d", child);
  check(chdir(before) == 0 && kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child, "%m");
  ready("deleted_task");
  check(getcwd(after, sizeof after) == NULL && errno == ENOENT, "%m");
  check(open("status", O_RDONLY) == -1 && (errno == ENOENT || errno == ESRCH), "%m");
  check(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "a child is left");
  pass();
}

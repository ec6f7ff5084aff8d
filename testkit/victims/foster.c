// foster FOLDER PROGRAM ARGUMENT...: the parent of one program under test. It stands between the test and the program,
// so that the program is nobody's child who might wait for its ptrace stops, and takes its end at once, so that the pid
// is free for a restore (an init may let zombies lie for seconds). Orphans of the program come to it as well.
//
// In FOLDER: `pid` appears when the program is about to be executed, `exit` when it ended ("exited 3", "killed 9"). The
// program leads a session and has VICTIM_DIR=FOLDER in its environment and FOLDER as its working directory.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *folder;

// The file appears whole: written under another name, then renamed.
static void tell(const char *name, const char *text) {
  char path[1200], fresh[1200];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  snprintf(fresh, sizeof fresh, "%s/%s.new", folder, name);
  int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) || rename(fresh, path)) {
    perror(path);
    exit(1);
  }
}

static void execute(char **program) {
  char variable[1200], text[64];
  snprintf(variable, sizeof variable, "VICTIM_DIR=%s", folder);
  if (setsid() < 0 || chdir(folder) || putenv(variable)) {
    perror(folder);
    _exit(127);
  }
  snprintf(text, sizeof text, "%d\n", (int)getpid());
  tell("pid", text);
  execv(program[0], program);
  perror(program[0]);
  _exit(127);
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  folder = arguments[1];
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  pid_t program = fork();
  if (program == 0) execute(arguments + 2);
  if (program < 0) return 1;
  for (;;) {
    int status;
    pid_t ended = waitpid(-1, &status, 0);
    if (ended < 0 && errno == ECHILD) return 0;
    if (ended != program) continue;
    char text[64];
    snprintf(text, sizeof text, WIFEXITED(status) ? "exited %d\n" : "killed %d\n",
        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    tell("exit", text);
  }
}

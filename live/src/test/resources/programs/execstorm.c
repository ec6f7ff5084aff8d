// Children that become this program anew all the time, from their first thread or from another one, which then takes
// the first one's number, until the test says so; each counts in its arguments.
#include "victim.h"

#include <sys/resource.h>
#include <sys/wait.h>

#define CHILDREN 3

static char times[32];

static void *again(void *self) {
  execl("/proc/self/exe", "execstorm", "again", times, (char *)NULL);
  return self;
}

int main(int count, char **arguments) {
  if (count > 2) {
    long done = atol(arguments[2]) + 1;
    if (access("go.execs", F_OK) == 0 || (!getenv("VICTIM_DIR") && done > 200)) _exit(done > 2 ? 7 : 8);
    snprintf(times, sizeof times, "%ld", done);
    pthread_t thread;
    usleep(200);
    if (done % 2 && pthread_create(&thread, NULL, again, times) == 0) pthread_join(thread, NULL);
    again(NULL);
    _exit(9);
  }
  victim_start();
  check(setpriority(PRIO_PROCESS, 0, 15) == 0, "%m");
  pid_t children[CHILDREN];
  for (int i = 0; i < CHILDREN; i++) {
    children[i] = fork();
    check(children[i] >= 0, "fork: %m");
    if (children[i] == 0) {
      strcpy(times, "0");
      again(NULL);
      _exit(9);
    }
  }
  usleep(100000);
  ready_begin("execs");
  while (!ready_done("execs")) usleep(1000);
  for (int i = 0; i < CHILDREN; i++) {
    int status;
    check(waitpid(children[i], &status, 0) == children[i] && WIFEXITED(status) && WEXITSTATUS(status) == 7,
          "child %d: %x", i, status);
  }
  pass();
}

// Leases: they come back, and their holder is told when another process opens the file.
#include "victim.h"

#include <sys/wait.h>

static volatile sig_atomic_t told;

static void on_signal(int signal) { told = signal; }

int main(void) {
  victim_start();
  const char *folder = getenv("VICTIM_DIR") ? getenv("VICTIM_DIR") : "/tmp";
  char name[2][4096];
  for (int i = 0; i < 2; i++) {
    snprintf(name[i], sizeof name[i], "%s/leased.%d", folder, i);
    close(open(name[i], O_RDWR | O_CREAT, 0600));
  }
  signal(SIGUSR2, on_signal);
  signal(SIGIO, on_signal);
  int reading = open(name[0], O_RDONLY);
  int writing = open(name[1], O_RDWR);
  check(reading >= 0 && writing >= 0, "%m");
  check(fcntl(reading, F_SETLEASE, F_RDLCK) == 0, "%m");
  check(fcntl(writing, F_SETSIG, SIGUSR2) == 0 && fcntl(writing, F_SETLEASE, F_WRLCK) == 0, "%m");

  char broken[4096];
  snprintf(broken, sizeof broken, "%s/broken", folder);
  close(open(broken, O_RDWR | O_CREAT, 0600));
  int breaking = open(broken, O_RDWR);
  check(fcntl(breaking, F_SETSIG, SIGUSR2) == 0 && fcntl(breaking, F_SETLEASE, F_WRLCK) == 0, "%m");
  check(open(broken, O_RDONLY | O_NONBLOCK) < 0 && errno == EWOULDBLOCK && told == SIGUSR2, "%d: %m", told);
  told = 0;

  ready("leased");

  check(told == 0, "told of the break again: %d", told);
  check(fcntl(breaking, F_GETLEASE) == F_RDLCK, "it is not being broken: %d", fcntl(breaking, F_GETLEASE));
  check(open(broken, O_RDONLY | O_NONBLOCK) < 0 && errno == EWOULDBLOCK, "%m");
  check(fcntl(breaking, F_SETLEASE, F_UNLCK) == 0 && open(broken, O_RDONLY | O_NONBLOCK) >= 0, "%m");
  told = 0;

  check(fcntl(reading, F_GETLEASE) == F_RDLCK && fcntl(writing, F_GETLEASE) == F_WRLCK, "%d %d",
      fcntl(reading, F_GETLEASE), fcntl(writing, F_GETLEASE));
  check(open(name[0], O_WRONLY | O_NONBLOCK) < 0 && errno == EWOULDBLOCK && told == SIGIO, "%d: %m", told);
  check(fcntl(reading, F_SETLEASE, F_UNLCK) == 0, "%m");
  pid_t child = fork();
  if (child == 0) {
    int fd = open(name[1], O_RDONLY);
    _exit(fd >= 0 ? 0 : 1);
  }
  for (int polls = 0; told != SIGUSR2 && polls < 5000; polls++) usleep(2000);
  check(told == SIGUSR2, "%d", told);
  check(fcntl(writing, F_SETLEASE, F_UNLCK) == 0, "%m");
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "%x", status);
  pass();
}

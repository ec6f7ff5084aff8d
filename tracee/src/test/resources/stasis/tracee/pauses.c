// Waits for one signal in pause(2) and tells how that ended. argv[1]: where to.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static volatile int signals;
static void count(int signal) { signals++; }

int main(int argc, char **argv) {
  int fd = open(argv[1], O_WRONLY | O_CREAT, 0600);
  sigaction(SIGUSR1, &(struct sigaction){.sa_handler = count, .sa_flags = SA_RESTART}, NULL);
  dprintf(fd, "begun\n");
  int r = pause();
  dprintf(fd, "pause ended with %s after %d signal\n", r < 0 && errno == EINTR ? "EINTR" : "?", signals);
}

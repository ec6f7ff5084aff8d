// A terminal and those who live on it: a session with its controlling terminal, a foreground and a background group,
// /dev/tty; and a session within that keeps the /dev/tty of the one outside.
#include "victim.h"
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>

static volatile int *common;
static volatile sig_atomic_t interrupted, resized;

static void on_interrupt(int signal) { interrupted += signal == SIGINT; }
static void on_resize(int signal) { resized += signal == SIGWINCH; }

static void job(int tty, int place) {
  setpgid(0, 0);
  signal(SIGINT, on_interrupt);
  signal(SIGWINCH, on_resize);
  signal(SIGTTOU, SIG_IGN);
  if (place == 1) check(tcsetpgrp(tty, getpgrp()) == 0, "tcsetpgrp: %m");
  common[place] = getpid();
  ready_wait("terminal");
  int own = open("/dev/tty", O_RDWR);
  check(own >= 0 && tcgetpgrp(own) == common[1], "foreground %d: %m", tcgetpgrp(own));
  common[place + 10] = 1;
  while (common[20] == 0) usleep(1000);
  _exit(interrupted * 2 + resized);
}

static void guest(int tty) {
  check(setsid() == getpid(), "setsid: %m");
  check(open("/dev/tty", O_RDWR) == -1, "a terminal");
  common[3] = getpid();
  ready_wait("terminal");
  check(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO, "a terminal: %m");
  check(write(tty, "guest\n", 6) == 6, "write: %m");
  _exit(0);
}

static void leader(int slave) {
  check(setsid() == getpid() && ioctl(slave, TIOCSCTTY, 0) == 0, "TIOCSCTTY: %m");
  signal(SIGTTOU, SIG_IGN);
  int tty = open("/dev/tty", O_RDWR);
  check(tty >= 0, "/dev/tty: %m");
  pid_t kids[3];
  for (int i = 0; i < 3; i++)
    if ((kids[i] = fork()) == 0) {
      if (i == 2) guest(tty);
      job(tty, i + 1);
    }
  while (!common[1] || !common[2] || !common[3]) usleep(1000);
  common[4] = 1;
  ready_wait("terminal");
  check(tcgetsid(tty) == getpid() && tcgetpgrp(tty) == kids[0], "session %d group %d", tcgetsid(tty), tcgetpgrp(tty));
  check(write(tty, "leader\n", 7) == 7, "write: %m");
  int status;
  check(waitpid(kids[2], &status, 0) == kids[2] && status == 0, "guest %x", status);
  while (!common[11] || !common[12]) usleep(1000);
  common[5] = 1;
  check(waitpid(kids[0], &status, 0) == kids[0] && status == 3 << 8, "foreground job %x", status);
  check(waitpid(kids[1], &status, 0) == kids[1] && status == 0, "background job %x", status);
  _exit(0);
}

int main(void) {
  victim_start();
  common = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int master, slave;
  check(openpty(&master, &slave, NULL, NULL, NULL) == 0, "openpty: %m");
  pid_t child = fork();
  if (child == 0) {
    close(master);
    leader(slave);
  }
  close(slave);
  while (!common[4]) usleep(1000);
  usleep(20000);
  ready("terminal");
  while (!common[5]) usleep(1000);
  struct winsize size = {10, 20, 0, 0};
  check(ioctl(master, TIOCSWINSZ, &size) == 0, "TIOCSWINSZ: %m");
  check(write(master, "\003", 1) == 1, "write: %m");
  usleep(50000);
  common[20] = 1;
  char buffer[256] = {0};
  size_t got = 0;
  struct pollfd p = {master, POLLIN, 0};
  while (poll(&p, 1, 500) == 1 && got < 255) {
    ssize_t n = read(master, buffer + got, 255 - got);
    if (n <= 0) break;
    got += (size_t)n;
  }
  check(strstr(buffer, "leader\r\n") && strstr(buffer, "guest\r\n"), "read '%s'", buffer);
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "leader %x", status);
  pass();
}

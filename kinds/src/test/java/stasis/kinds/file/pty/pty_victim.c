// Pseudoterminals wholly inside: settings, size, packet mode, lock, several descriptions, numbers with a gap, one that
// no slave was ever opened of, one whose slaves are closed, one whose master is; output that is stopped.
#include "victim.h"
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

static int open_master(int *number) {
  int m = posix_openpt(O_RDWR | O_NOCTTY);
  check(m >= 0 && ioctl(m, TIOCGPTN, number) == 0, "posix_openpt: %m");
  return m;
}

static int open_slave(int m, int flags) {
  check(unlockpt(m) == 0, "unlockpt: %m");
  int s = open(ptsname(m), flags | O_NOCTTY);
  check(s >= 0, "%s: %m", ptsname(m));
  return s;
}

static void says(int fd, const char *text) {
  char buffer[64] = {0};
  struct pollfd p = {fd, POLLIN, 0};
  poll(&p, 1, 2000);
  ssize_t n = read(fd, buffer, sizeof buffer);
  check(n == (ssize_t)strlen(text) && memcmp(text, buffer, (size_t)n) == 0, "%zd bytes '%s' for '%s': %m", n, buffer,
        text);
}

int main(void) {
  victim_start();
  int n[7], m[7];
  for (int i = 0; i < 7; i++) m[i] = open_master(&n[i]);
  close(m[1]);
  int raw = open_slave(m[0], O_RDWR), again = open_slave(m[0], O_WRONLY), cooked = open_slave(m[2], O_RDWR);
  struct termios t, t2, t3;
  check(tcgetattr(raw, &t) == 0, "tcgetattr: %m");
  cfmakeraw(&t);
  t.c_cc[VMIN] = 3;
  cfsetspeed(&t, B19200);
  check(tcsetattr(raw, TCSANOW, &t) == 0, "tcsetattr: %m");
  struct winsize size = {33, 111, 4, 5}, size2;
  check(ioctl(raw, TIOCSWINSZ, &size) == 0, "TIOCSWINSZ: %m");
  int one = 1, value = 0;
  check(ioctl(m[2], TIOCPKT, &one) == 0, "TIOCPKT: %m");
  check(fcntl(m[2], F_SETFL, O_RDWR | O_NONBLOCK) == 0 && chmod(ptsname(m[2]), 0601) == 0, "chmod: %m");
  // m[3] was never opened and stays locked; the slave of m[4] is closed; the master of the next is.
  close(open_slave(m[4], O_RDWR));
  // Output stopped by typing, and by call; the first with a change of state that packet mode has to tell.
  int n8, n9, m8 = open_master(&n8), m9 = open_master(&n9), typed = open_slave(m8, O_RDWR | O_NONBLOCK);
  int called = open_slave(m9, O_RDWR | O_NONBLOCK), exclusive = 0;
  check(tcgetattr(called, &t2) == 0, "tcgetattr: %m");
  t2.c_iflag &= ~(tcflag_t)IXON;
  check(tcsetattr(called, TCSANOW, &t2) == 0, "tcsetattr: %m");
  check(tcgetattr(typed, &t3) == 0, "tcgetattr: %m");
  t3.c_cc[VSTOP] = '!', t3.c_cc[VSTART] = '?';
  check(tcsetattr(typed, TCSANOW, &t3) == 0, "tcsetattr: %m");
  check(write(m8, "!", 1) == 1 && tcflow(called, TCOOFF) == 0 && ioctl(m9, TIOCEXCL) == 0, "stop: %m");
  check(ioctl(called, TIOCEXCL) == 0, "TIOCEXCL: %m");
  struct pollfd stop = {typed, POLLIN, 0};
  check(poll(&stop, 1, 0) == 0 && write(typed, "x", 1) == -1 && errno == EAGAIN, "not stopped by ^S: %m");
  int orphan = open_slave(m[5], O_RDWR);
  close(m[5]);
  ready("terminals");
  for (int i = 0; i < 5; i++) {
    int number;
    if (i == 1) continue;
    check(ioctl(m[i], TIOCGPTN, &number) == 0 && number == n[i], "number %d for %d: %m", number, n[i]);
  }
  check(write(typed, "x", 1) == -1 && errno == EAGAIN, "output goes on after ^S: %m");
  check(write(called, "x", 1) == -1 && errno == EAGAIN, "output goes on after tcflow: %m");
  check(ioctl(m9, TIOCGEXCL, &exclusive) == 0 && exclusive == 1, "master not exclusive");
  exclusive = 0;
  check(ioctl(called, TIOCGEXCL, &exclusive) == 0 && exclusive == 1, "slave not exclusive");
  check(write(m8, "?", 1) == 1 && tcflow(called, TCOON) == 0, "go on: %m");
  check(poll(&stop, 1, 0) == 0 && write(typed, "x", 1) == 1 && write(called, "y", 1) == 1, "still stopped: %m");
  says(m8, "x");
  says(m9, "y");
  check(tcgetattr(again, &t2) == 0 && memcmp(&t, &t2, sizeof t) == 0, "settings");
  check(ioctl(m[0], TIOCGWINSZ, &size2) == 0 && memcmp(&size, &size2, sizeof size) == 0, "size");
  check(write(m[0], "a\003b", 3) == 3, "write: %m");
  says(raw, "a\003b");
  check(write(again, "x\ny", 3) == 3, "write: %m");
  says(m[0], "x\ny");
  check(strcmp(ttyname(raw), ptsname(m[0])) == 0, "%s", ttyname(raw));
  check(ioctl(m[2], TIOCGPKT, &value) == 0 && value == 1, "packet mode");
  check(fcntl(m[2], F_GETFL) & O_NONBLOCK, "blocks");
  struct stat st;
  check(fstat(cooked, &st) == 0 && (st.st_mode & 07777) == 0601, "mode %o", st.st_mode);
  check(write(cooked, "line\n", 5) == 5, "write: %m");
  usleep(20000);
  char buffer[64];
  check(read(m[2], buffer, 64) == 7 && memcmp(buffer, "\0line\r\n", 7) == 0, "no packet");
  check(write(m[2], "typed\r", 6) == 6, "write: %m");
  says(cooked, "typed\n");
  check(ioctl(m[3], TIOCGPTLCK, &value) == 0 && value == 1, "not locked");
  struct pollfd never = {m[3], POLLIN, 0}, closed = {m[4], POLLIN, 0};
  check(poll(&never, 1, 0) == 0, "hung up: %x", never.revents);
  check(poll(&closed, 1, 0) == 1 && closed.revents & POLLHUP, "not hung up: %x", closed.revents);
  close(open_slave(m[3], O_RDWR));
  check(read(orphan, buffer, 1) == 0, "the orphan reads: %m");
  check(write(orphan, "x", 1) == -1 && errno == EIO, "the orphan writes: %m");
  // Unread input is seen by BPF only.
  check(write(m[0], "unread", 6) == 6, "write: %m");
  usleep(20000);
  ready("unread");
  says(raw, "unread");
  pass();
}

// Pseudoterminals with what nobody has read: characters, whole lines and the beginning of one, ends of files, lines
// that end with other characters, characters that were there before lines began; output, more of it than a line discipline
// takes, and either while output is stopped.
#include "victim.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

struct pair { int master, slave; };

static struct pair open_pair(void) {
  struct pair p;
  p.master = posix_openpt(O_RDWR | O_NOCTTY);
  check(p.master >= 0 && unlockpt(p.master) == 0, "posix_openpt: %m");
  p.slave = open(ptsname(p.master), O_RDWR | O_NOCTTY | O_NONBLOCK);
  check(p.slave >= 0 && fcntl(p.master, F_SETFL, O_RDWR | O_NONBLOCK) == 0, "open: %m");
  return p;
}

static void flags(struct pair p, tcflag_t off, tcflag_t on) {
  struct termios t;
  check(tcgetattr(p.slave, &t) == 0, "tcgetattr: %m");
  t.c_lflag = (t.c_lflag & ~off) | on;
  check(tcsetattr(p.slave, TCSANOW, &t) == 0, "tcsetattr: %m");
}

static void types(struct pair p, const char *text, size_t length) {
  check(write(p.master, text, length) == (ssize_t)length, "write: %m");
}

// What a read gives, which may be nothing: the end of a file.
static void reads(int fd, const char *text, size_t length) {
  char buffer[8192];
  struct pollfd ready = {fd, POLLIN, 0};
  check(poll(&ready, 1, 5000) == 1, "nothing to read for '%s'", text);
  ssize_t n = read(fd, buffer, sizeof buffer);
  check(n == (ssize_t)length && memcmp(buffer, text, length) == 0, "%zd bytes for %zu of '%s': %m", n, length, text);
}

static void has_no_more(int fd) {
  char byte;
  check(read(fd, &byte, 1) == -1 && errno == EAGAIN, "there is more: %c", byte);
}

static void settle(struct pair p) {
  struct pollfd any = {p.slave, POLLIN, 0}, other = {p.master, POLLIN, 0};
  poll(&any, 1, 0);
  poll(&other, 1, 0);
  usleep(20000);
}

#define TYPES(p, text) types(p, text, sizeof text - 1)
#define READS(fd, text) reads(fd, text, sizeof text - 1)

static size_t fill(int fd, char byte) {
  char block[512];
  memset(block, byte, sizeof block);
  size_t all = 0;
  for (int tries = 0; tries < 3; tries++, usleep(20000))
    for (ssize_t n; (n = write(fd, block, sizeof block)) > 0;) all += (size_t)n;
  return all;
}

static size_t drain(int fd, char byte) {
  char block[512];
  size_t all = 0;
  for (int tries = 0; tries < 3; tries++, usleep(20000))
    for (ssize_t n; (n = read(fd, block, sizeof block)) > 0; all += (size_t)n)
      for (ssize_t i = 0; i < n; i++) check(block[i] == byte, "%d at %zu", block[i], all);
  return all;
}

int main(void) {
  victim_start();
  tcflag_t echo = ECHO | ECHOE | ECHOK | ECHONL | ECHOCTL | ECHOKE;
  struct pair raw = open_pair(), lines = open_pair(), odd = open_pair(), late = open_pair(), shown = open_pair();
  struct pair full = open_pair(), typed = open_pair(), called = open_pair(), packet = open_pair(), gone = open_pair();
  struct termios t;
  check(tcgetattr(raw.slave, &t) == 0, "%m");
  cfmakeraw(&t);
  check(tcsetattr(raw.slave, TCSANOW, &t) == 0 && tcsetattr(full.slave, TCSANOW, &t) == 0, "%m");
  char all[250];
  for (int i = 0; i < (int)sizeof all; i++) all[i] = (char)(i + 6);
  types(raw, all, sizeof all);

  flags(lines, echo, 0);
  TYPES(lines, "first\nsecond\rbegun\026\003x");

  check(tcgetattr(odd.slave, &t) == 0, "%m");
  t.c_lflag &= ~echo;
  t.c_cc[VEOL] = '|', t.c_cc[VEOL2] = ';';
  check(tcsetattr(odd.slave, TCSANOW, &t) == 0, "%m");
  TYPES(odd, "one|two;liter\026\nal \026| \026\004 \026;\nno end\004\004after\n\004");

  flags(late, echo | ICANON, 0);
  TYPES(late, "was there");
  settle(late);
  flags(late, 0, ICANON);
  TYPES(late, "then a line\nand a beginning");

  TYPES(shown, "echo\n");
  settle(shown);
  check(write(shown.slave, "a\tb\n", 4) == 4, "%m");

  size_t much = fill(full.slave, 'x');
  check(much > 4096, "%zu", much);

  flags(typed, echo, 0);
  check(write(typed.slave, "before", 6) == 6, "%m");
  TYPES(typed, "a line\n\023");
  flags(called, echo, 0);
  check(write(called.slave, "before", 6) == 6, "%m");
  TYPES(called, "a line\n");
  check(tcflow(called.slave, TCOOFF) == 0, "%m");
  int one = 1;
  check(ioctl(packet.master, TIOCPKT, &one) == 0 && write(packet.slave, "packet", 6) == 6, "%m");
  check(write(gone.slave, "last words", 10) == 10 && close(gone.slave) == 0, "%m");
  settle(raw), settle(lines), settle(odd), settle(late), settle(shown), settle(typed), settle(called), settle(packet);

  ready("unread");

  reads(raw.slave, all, sizeof all);
  has_no_more(raw.slave);
  READS(lines.slave, "first\n");
  READS(lines.slave, "second\n");
  has_no_more(lines.slave);
  TYPES(lines, "\177\177n\n");
  READS(lines.slave, "begunn\n");
  READS(odd.slave, "one|");
  READS(odd.slave, "two;");
  READS(odd.slave, "liter\nal | \004 ;\n");
  READS(odd.slave, "no end");
  READS(odd.slave, "");
  READS(odd.slave, "after\n");
  READS(odd.slave, "");
  has_no_more(odd.slave);
  READS(late.slave, "was there");
  READS(late.slave, "then a line\n");
  has_no_more(late.slave);
  TYPES(late, "!\n");
  READS(late.slave, "and a beginning!\n");
  READS(shown.slave, "echo\n");
  READS(shown.master, "echo\r\na\tb\r\n");
  size_t left = drain(full.master, 'x');
  check(left == much, "%zu bytes of %zu are left", left, much);
  check(write(typed.slave, "x", 1) == -1 && errno == EAGAIN, "output goes on after ^S: %m");
  READS(typed.slave, "a line\n");
  TYPES(typed, "\021");
  settle(typed);
  check(write(typed.slave, " after", 6) == 6, "%m");
  settle(typed);
  READS(typed.master, "before after");
  check(write(called.slave, "x", 1) == -1 && errno == EAGAIN, "output goes on after tcflow: %m");
  READS(called.slave, "a line\n");
  check(tcflow(called.slave, TCOON) == 0 && write(called.slave, " after", 6) == 6, "%m");
  settle(called);
  READS(called.master, "before after");
  READS(packet.master, "\0packet");
  READS(gone.master, "last words");
  char byte;
  check(read(gone.master, &byte, 1) == -1 && errno == EIO, "not hung up: %m");
  pass();
}

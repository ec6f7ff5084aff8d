// Pipes in packet mode: packets are read one at a time, whatever the reader asks for, also when their writer is gone.
#include "victim.h"

static void packets(int in) {
  check(write(in, "one", 3) == 3 && write(in, "second", 6) == 6 && write(in, "3", 1) == 1, "write: %m");
}

static void read_packets(int out) {
  char text[64];
  check(read(out, text, 64) == 3 && memcmp(text, "one", 3) == 0, "first packet");
  check(read(out, text, 4) == 4 && memcmp(text, "seco", 4) == 0, "second packet");
  check(read(out, text, 64) == 1 && text[0] == '3', "what was not asked for of the second is still there: %c", text[0]);
}

int main(void) {
  victim_start();
  int open_end[2], closed_end[2], single[2], stream[2];
  check(pipe2(open_end, O_DIRECT) == 0 && pipe2(closed_end, O_DIRECT | O_NONBLOCK) == 0 && pipe2(stream, 0) == 0
      && pipe2(single, O_DIRECT) == 0, "pipe: %m");
  packets(open_end[1]);
  packets(closed_end[1]);
  close(closed_end[1]);
  packets(stream[1]);
  check(write(single[1], "alone", 5) == 5, "write: %m");
  int flags[] = {fcntl(open_end[0], F_GETFL), fcntl(open_end[1], F_GETFL), fcntl(closed_end[0], F_GETFL)};

  ready("written");

  check(fcntl(open_end[0], F_GETFL) == flags[0] && fcntl(open_end[1], F_GETFL) == flags[1]
      && fcntl(closed_end[0], F_GETFL) == flags[2], "flags");
  read_packets(open_end[0]);
  read_packets(closed_end[0]);
  char text[64];
  check(read(closed_end[0], text, 64) == 0, "no end of file");
  check(read(stream[0], text, 64) == 10 && memcmp(text, "onesecond3", 10) == 0, "stream");
  check(write(single[1], "next", 4) == 4 && read(single[0], text, 64) == 5 && read(single[0], text, 64) == 4, "single");
  pass();
}

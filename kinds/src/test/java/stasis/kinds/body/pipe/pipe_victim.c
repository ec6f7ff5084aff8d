// What lies in pipes: bytes, capacities, packets with their boundaries, a full pipe with a writer that waits.
#include "victim.h"
#include <sys/ioctl.h>

static int full[2];
static volatile int gone_on;

static void *writer(void *unused) {
  check(write(full[1], "waiting", 7) == 7, "%m");
  gone_on = 1;
  return unused;
}

static long fill(int fd, unsigned char seed) {
  long total = 0;
  unsigned char block[4096];
  fcntl(fd, F_SETFL, O_NONBLOCK);
  for (;;) {
    for (int i = 0; i < 4096; i++) block[i] = (unsigned char)((total + i) * 31 + seed);
    long got = write(fd, block, sizeof block);
    if (got < 0) break;
    total += got;
  }
  fcntl(fd, F_SETFL, 0);
  return total;
}

int main(void) {
  victim_start();
  int few[2], packets[2], large[2], small[2], empty[2];
  check(pipe(few) == 0 && pipe2(packets, O_DIRECT) == 0 && pipe(large) == 0 && pipe(full) == 0 && pipe(small) == 0);
  check(pipe(empty) == 0);
  check(write(few[1], "a few", 5) == 5 && write(few[1], " bytes", 6) == 6);
  char packet[4096];
  memset(packet, 'p', sizeof packet);
  int sizes[] = {1, 4096, 17, 300};
  for (int i = 0; i < 4; i++) check(write(packets[1], packet, (size_t)sizes[i]) == sizes[i], "%m");
  check(fcntl(large[1], F_SETPIPE_SZ, 1 << 20) == 1 << 20, "%m");
  check(fcntl(small[1], F_SETPIPE_SZ, 4096) == 4096 && write(small[1], packet, 4096) == 4096, "%m");
  long in_large = fill(large[1], 3), in_full = fill(full[1], 9);
  check(in_large == 1 << 20 && in_full == 65536, "%ld %ld", in_large, in_full);
  pthread_t thread;
  check(pthread_create(&thread, NULL, writer, NULL) == 0);
  usleep(20000);
  ready("filled");
  check(!gone_on, "the writer went on");
  int waiting = -1;
  check(ioctl(few[0], FIONREAD, &waiting) == 0 && waiting == 11, "%d", waiting);
  check(ioctl(empty[0], FIONREAD, &waiting) == 0 && waiting == 0, "%d", waiting);
  char text[8192];
  check(read(few[0], text, sizeof text) == 11 && memcmp(text, "a few bytes", 11) == 0);
  for (int i = 0; i < 4; i++) {
    long got = read(packets[0], text, sizeof text);
    check(got == sizes[i], "packet %d has %ld bytes", i, got);
  }
  check(fcntl(large[0], F_GETPIPE_SZ) == 1 << 20 && fcntl(small[0], F_GETPIPE_SZ) == 4096, "capacities");
  unsigned char *all = malloc(1 << 20);
  for (long at = 0; at < in_large;) {
    long got = read(large[0], all, 1 << 20);
    check(got > 0, "%m");
    for (long i = 0; i < got; i++, at++) check(all[i] == (unsigned char)(at * 31 + 3), "byte %ld", at);
  }
  for (long at = 0; at < in_full;) {
    long got = read(full[0], all, (size_t)(in_full - at));
    check(got > 0, "%m");
    for (long i = 0; i < got; i++, at++) check(all[i] == (unsigned char)(at * 31 + 9), "byte %ld", at);
  }
  pthread_join(thread, NULL);
  check(read(full[0], text, sizeof text) == 7 && memcmp(text, "waiting", 7) == 0);
  check(fcntl(small[1], F_SETFL, O_NONBLOCK) == 0 && write(small[1], "x", 1) == -1 && errno == EAGAIN, "%m");
  pass();
}

// A 32-bit program without any library: sleeps. Compiled with -m32.
static long call(long number, long a, long b) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b) : "memory");
  return result;
}

void _start(void) {
  for (;;) {
    struct {
      long seconds, nanoseconds;
    } time = {0, 2000000};
    call(162, (long)&time, 0); // nanosleep
  }
}

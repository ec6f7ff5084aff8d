// argv[1] threads in all, each with a small stack of its own, waiting.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *wait_for_ever(void *unused) {
  (void)unused;
  for (;;) {
    pause();
  }
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1000;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 << 10);
  for (int i = 1; i < threads; i++) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, wait_for_ever, NULL) != 0) {
      return 1;
    }
  }
  puts("ready");
  fflush(stdout);
  wait_for_ever(NULL);
}

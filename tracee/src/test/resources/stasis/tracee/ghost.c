// The first thread exits, the second lives on.
#include <pthread.h>
#include <unistd.h>

static void *stay(void *unused) {
  for (;;) sleep(1000);
}

int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, stay, NULL);
  pthread_exit(NULL);
}

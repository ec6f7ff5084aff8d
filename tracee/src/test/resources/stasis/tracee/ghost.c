// The first thread exits, at once or when there is a file of the name given; the second lives on.
#include <pthread.h>
#include <unistd.h>

static void *stay(void *unused) {
  for (;;) sleep(1000);
}

int main(int count, char **arguments) {
  pthread_t thread;
  pthread_create(&thread, NULL, stay, NULL);
  while (count > 1 && access(arguments[1], F_OK) != 0) usleep(500);
  pthread_exit(NULL);
}

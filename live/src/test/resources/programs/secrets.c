// Holds one secret in many places, argument and variable TOKEN first; comes back without it (--redact).
#include "victim.h"
#include <sys/mman.h>
#include <sys/socket.h>

static int zeros(const char *at, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (at[i]) {
      return 0;
    }
  }
  return 1;
}

int main(int argc, char **argv) {
  victim_start();
  const char *variable = getenv("TOKEN");
  check(argc == 2 && variable != NULL && strcmp(argv[1], variable) == 0, "TOKEN and argument");
  size_t length = strlen(variable);
  char *heap = malloc(length + 3);
  sprintf(heap, "<%s>", variable);
  setenv("OTHER", variable, 1);

  int pipes[2], sockets[2];
  check(pipe(pipes) == 0 && socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets) == 0, "%m");
  check(write(pipes[1], heap, length + 2) == (ssize_t)length + 2, "%m");
  check(write(sockets[1], heap, length + 2) == (ssize_t)length + 2, "%m");
  int memfd = memfd_create("secret", 0);
  check(pwrite(memfd, heap, length + 2, 5000) == (ssize_t)length + 2, "%m");
  char deleted[4096];
  snprintf(deleted, sizeof deleted, "%s/deleted", getenv("VICTIM_DIR") ? getenv("VICTIM_DIR") : "/tmp");
  int file = open(deleted, O_RDWR | O_CREAT | O_TRUNC, 0600);
  check(file >= 0 && unlink(deleted) == 0 && pwrite(file, heap, length + 2, 0) == (ssize_t)length + 2, "%m");

  char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *hidden = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(two != MAP_FAILED && hidden != MAP_FAILED && madvise(hidden, 8192, MADV_DONTDUMP) == 0, "%m");
  memcpy(two + 4096 - 5, heap, length + 2);
  memset(hidden, 'h', 8192);
  ready("held");

  char read_back[256];
  check(heap[0] == '<' && heap[length + 1] == '>' && zeros(heap + 1, length), "heap");
  check(zeros(getenv("TOKEN"), 1) && zeros(getenv("OTHER"), 1) && zeros(argv[1], length), "environment, arguments");
  check(read(pipes[0], read_back, 256) == (ssize_t)length + 2 && read_back[0] == '<' && zeros(read_back + 1, length),
        "pipe");
  check(read(sockets[0], read_back, 256) == (ssize_t)length + 2 && zeros(read_back + 1, length), "socket");
  check(pread(memfd, read_back, length + 2, 5000) == (ssize_t)length + 2 && zeros(read_back + 1, length), "memfd");
  check(pread(file, read_back, length + 2, 0) == (ssize_t)length + 2 && zeros(read_back + 1, length), "deleted");
  check(two[4096 - 5] == '<' && zeros(two + 4096 - 4, length) && two[4096 - 4 + length] == '>', "across pages");
  check(zeros(hidden, 8192), "MADV_DONTDUMP");
  pass();
}

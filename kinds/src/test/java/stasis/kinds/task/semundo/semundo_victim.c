// What a program owes to semaphores at its end: it has as much of them after as before, and its end gives it back.
#include "victim.h"
#include <sys/sem.h>
#include <sys/wait.h>

#define SEMAPHORES 3

static void values(int set, const char *when, int first, int second, int third) {
  unsigned short now[SEMAPHORES];
  check(semctl(set, 0, GETALL, now) == 0, "GETALL: %m");
  check(now[0] == first && now[1] == second && now[2] == third, "%s: %u %u %u", when, now[0], now[1], now[2]);
}

static void *idle(void *set) {
  struct sembuf back = {2, 1, SEM_UNDO};
  ready_wait("owing");
  check(semop(*(int *)set, &back, 1) == 0, "%m"); // on the same list
  return NULL;
}

int main(void) {
  victim_start();
  int set = semget(IPC_PRIVATE, SEMAPHORES, IPC_CREAT | 0600);
  check(set >= 0, "%m");
  unsigned short start[SEMAPHORES] = {5, 0, 1};
  check(semctl(set, 0, SETALL, start) == 0, "%m");
  struct sembuf take = {0, -3, SEM_UNDO}, give = {1, 4, SEM_UNDO}, mutex = {2, -1, SEM_UNDO};
  int up[2], down[2];
  check(pipe(up) == 0 && pipe(down) == 0, "%m");
  pid_t child = fork();
  if (child == 0) {
    char byte = 1;
    check(semop(set, &take, 1) == 0 && semop(set, &give, 1) == 0, "%m");
    check(write(up[1], &byte, 1) == 1 && read(down[0], &byte, 1) == 1, "%m");
    _exit(0);
  }
  check(semop(set, &mutex, 1) == 0, "%m");
  pthread_t thread;
  check(pthread_create(&thread, NULL, idle, &set) == 0, "thread");
  char byte;
  check(read(up[0], &byte, 1) == 1, "%m");

  ready("owing");

  check(pthread_join(thread, NULL) == 0, "join");
  values(set, "with a child that owes", 2, 4, 1);
  int status;
  check(write(down[1], &byte, 1) == 1 && waitpid(child, &status, 0) == child && status == 0, "status %x", status);
  values(set, "after its end", 5, 0, 1);
  check(semctl(set, 0, IPC_RMID) == 0, "%m");
  pass();
}

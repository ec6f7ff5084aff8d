// A program that owes a semaphore an undo is refused, and goes on; without it, it comes back.
#include "victim.h"
#include <sys/sem.h>

int main(void) {
  victim_start();
  int set = semget(IPC_PRIVATE, 1, 0600);
  check(set >= 0, "%m");
  struct sembuf up = {0, 1, SEM_UNDO}, down = {0, -1, SEM_UNDO};
  int result = semop(set, &up, 1);
  if (result == 0) ready("refused");
  int value = semctl(set, 0, GETVAL);
  if (result == 0) result = semop(set, &down, 1);
  semctl(set, 0, IPC_RMID);
  check(result == 0 && value == 1, "value %d: %m", value);
  ready("without");
  pass();
}

// A semaphore set and a message queue with messages of several types, and what a child owes to the set at its end. A
// test may take them away while the program is not there (keys: 0x53 and 0x54, then the pid).
#include "victim.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/wait.h>

struct message { long type; char text[9000]; };

int main(void) {
  victim_start();
  key_t key = 0x53000000 | getpid(), other = 0x54000000 | getpid();
  int set = semget(key, 3, IPC_CREAT | IPC_EXCL | 0640), queue = msgget(other, IPC_CREAT | IPC_EXCL | 0600);
  check(set >= 0 && queue >= 0, "%m");
  unsigned short values[3] = {5, 0, 300};
  check(semctl(set, 0, SETALL, values) == 0, "%m");
  struct message message = {7, "of seven"};
  check(msgsnd(queue, &message, 8, 0) == 0, "%m");
  message = (struct message){3, ""};
  check(msgsnd(queue, &message, 0, 0) == 0, "%m");
  message = (struct message){7, "again"};
  check(msgsnd(queue, &message, 5, 0) == 0, "%m");
  pid_t child = fork();
  if (child == 0) {
    struct sembuf take[] = {{0, -2, SEM_UNDO}, {1, 4, SEM_UNDO}};
    check(semop(set, take, 2) == 0, "%m");
    ready_wait("used");
    check(semctl(set, 0, GETVAL) == 3 && semctl(set, 1, GETVAL) == 4, "%d and %d", semctl(set, 0, GETVAL),
          semctl(set, 1, GETVAL));
    _exit(0);
  }
  while (semctl(set, 1, GETVAL) != 4) usleep(1000);
  struct sembuf nothing = {2, 0, IPC_NOWAIT};
  check(semop(set, &nothing, 1) == -1 && errno == EAGAIN, "%m");

  ready("used");

  check(semget(key, 3, 0) == set && msgget(other, 0) == queue, "the keys lead elsewhere");
  struct semid_ds stat;
  struct msqid_ds about;
  check(semctl(set, 0, IPC_STAT, &stat) == 0 && (stat.sem_perm.mode & 0777) == 0640 && stat.sem_nsems == 3, "%m");
  check(msgctl(queue, IPC_STAT, &about) == 0 && about.msg_qnum == 3 && (about.msg_perm.mode & 0777) == 0600, "%m");
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "%x", status);
  check(semctl(set, 0, GETALL, values) == 0 && values[0] == 5 && values[1] == 0 && values[2] == 300, "%d %d %d",
        values[0], values[1], values[2]);
  check(msgrcv(queue, &message, sizeof message.text, 3, IPC_NOWAIT) == 0 && message.type == 3, "%m");
  check(msgrcv(queue, &message, sizeof message.text, 0, IPC_NOWAIT) == 8 && !memcmp(message.text, "of seven", 8), "%m");
  check(msgrcv(queue, &message, sizeof message.text, 7, IPC_NOWAIT) == 5 && !memcmp(message.text, "again", 5), "%m");
  check(semctl(set, 0, IPC_RMID) == 0 && msgctl(queue, IPC_RMID, NULL) == 0, "%m");
  pass();
}

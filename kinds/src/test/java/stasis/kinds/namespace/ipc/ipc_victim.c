// A program in an IPC namespace of its own, with something of everything in it: semaphores (some owed by a child), a
// message queue, segments of shared memory (attached, removed, attached by nobody), POSIX message queues (open, opened
// by nobody, unlinked), a limit. Keys and names are in use outside too.
#include "victim.h"
#include <mqueue.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>

static key_t key;
static char name[64];
static int said[2];

static mqd_t queue(const char *text, unsigned priority) {
  struct mq_attr shape = {.mq_maxmsg = 4, .mq_msgsize = 64};
  mqd_t made = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0604, &shape);
  check(made >= 0 && mq_send(made, text, strlen(text), priority) == 0, "%m");
  return made;
}

static void take(mqd_t from, const char *text, unsigned priority) {
  char got[64] = "";
  unsigned had;
  check(mq_receive(from, got, sizeof got, &had) == (ssize_t)strlen(text) && !strcmp(got, text) && had == priority,
      "'%s' of priority %u: %m", got, had);
}

static void limit(const char *file, int set, long value) {
  int fd = open(file, set ? O_WRONLY : O_RDONLY);
  char text[32] = "";
  check(fd >= 0, "%s: %m", file);
  if (set) check(dprintf(fd, "%ld", value) > 0, "%m");
  else check(read(fd, text, sizeof text - 1) > 0 && atol(text) == value, "%s is %s", file, text);
  close(fd);
}

static char *segment(size_t length, const char *text, int *id, key_t at) {
  *id = shmget(at, length, IPC_CREAT | IPC_EXCL | 0640);
  char *memory = shmat(*id, NULL, 0);
  check(*id >= 0 && memory != (void *)-1, "%m");
  strcpy(memory + length - 100, text);
  return memory;
}

static int outside(void) {
  snprintf(name, sizeof name, "/stasis.ipc.%d", getpid());
  int set = semget(key, 1, IPC_CREAT | IPC_EXCL | 0600);
  check(set >= 0 && semctl(set, 0, SETVAL, 9) == 0, "%m");
  check(mq_close(queue("outside", 1)) == 0, "%m");
  return set;
}

// Where whoever started it is, nothing has changed.
static void go_home(int had) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/ipc", getppid());
  int home = open(path, O_RDONLY | O_CLOEXEC);
  check(home >= 0 && setns(home, CLONE_NEWIPC) == 0, "%m");
  check(semget(key, 1, 0) == had && semctl(had, 0, GETVAL) == 9 && semctl(had, 0, IPC_RMID) == 0, "%m");
  mqd_t other = mq_open(name, O_RDWR);
  check(other >= 0, "%m");
  take(other, "outside", 1);
  check(mq_unlink(name) == 0, "%m");
}

int main(void) {
  victim_start();
  key = 0x49000000 | getpid();
  int had = outside();
  if (unshare(CLONE_NEWIPC) != 0) {
    check(semctl(had, 0, IPC_RMID) == 0 && mq_unlink(name) == 0, "%m");
    pass();
  }
  int own = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
  check(own >= 0 && pipe(said) == 0, "%m");
  limit("/proc/sys/kernel/shmmni", 1, 77);
  limit("/proc/sys/fs/mqueue/msg_max", 1, 55);
  int first = semget(IPC_PRIVATE, 2, 0600), set = semget(key, 2, IPC_CREAT | IPC_EXCL | 0660);
  check(first >= 0 && set > first && semctl(first, 0, IPC_RMID) == 0, "%m");
  int messages = msgget(key, IPC_CREAT | IPC_EXCL | 0600);
  struct { long type; char text[16]; } message = {4, "inside"};
  check(set >= 0 && messages >= 0 && msgsnd(messages, &message, 6, 0) == 0, "%m");
  int shared, gone, lonely;
  char *memory = segment(3 * 4096, "attached", &shared, key), *removed = segment(4096, "removed", &gone, IPC_PRIVATE);
  check(shmctl(gone, IPC_RMID, NULL) == 0, "%m");
  check(shmdt(segment(1 << 20, "lonely", &lonely, key + 0x1000000)) == 0, "%m");
  check(mq_close(queue("inside", 7)) == 0, "%m");
  snprintf(name, sizeof name, "/stasis.lost.%d", getpid());
  mqd_t lost = queue("lost", 2);
  check(mq_unlink(name) == 0, "%m");
  snprintf(name, sizeof name, "/stasis.open.%d", getpid());
  mqd_t opened = queue("opened", 3);
  pid_t child = fork();
  if (child == 0) {
    struct sembuf owe[] = {{1, 3, SEM_UNDO}};
    check(semop(set, owe, 1) == 0 && write(said[1], "", 1) == 1, "%m");
    ready_wait("own-ipc");
    check(!strcmp(memory + 3 * 4096 - 100, "attached") && semctl(set, 1, GETVAL) == 3, "%d", semctl(set, 1, GETVAL));
    strcpy(memory, "from the child");
    _exit(0);
  }
  char byte;
  check(read(said[0], &byte, 1) == 1, "%m");

  ready("own-ipc");

  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "%x", status);
  check(!strcmp(memory, "from the child") && !strcmp(removed + 4096 - 100, "removed"), "%s, %s", memory, removed);
  check(semget(key, 2, 0) == set && semctl(set, 1, GETVAL) == 0, "%d", semctl(set, 1, GETVAL));
  check(msgget(key, 0) == messages && msgrcv(messages, &message, 16, 0, IPC_NOWAIT) == 6 && message.type == 4, "%m");
  check(shmget(key, 0, 0) == shared && shmget(key + 0x1000000, 0, 0) == lonely, "%m");
  struct shmid_ds about;
  check(shmctl(lonely, IPC_STAT, &about) == 0 && about.shm_segsz == 1 << 20 && about.shm_nattch == 0
      && (about.shm_perm.mode & 0777) == 0640, "%m");
  char *again = shmat(lonely, NULL, 0);
  check(again != (void *)-1 && !strcmp(again + (1 << 20) - 100, "lonely"), "%s", again);
  limit("/proc/sys/kernel/shmmni", 0, 77);
  limit("/proc/sys/fs/mqueue/msg_max", 0, 55);
  take(opened, "opened", 3);
  take(lost, "lost", 2);
  snprintf(name, sizeof name, "/stasis.ipc.%d", getpid());
  mqd_t named = mq_open(name, O_RDWR);
  check(named >= 0, "%m");
  take(named, "inside", 7);
  struct stat now, held;
  check(stat("/proc/self/ns/ipc", &now) == 0 && fstat(own, &held) == 0 && now.st_ino == held.st_ino, "%m");
  go_home(had);
  pass();
}

// System V shared memory of a tree: a segment of all, a removed one, one read-only in
// the child, one only in a child.
#include "victim.h"
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>

#define PAGE 4096UL
#define SIZE (40 * PAGE)

static void *attach(int id, int flags) {
  void *at = shmat(id, NULL, flags);
  check(at != (void *)-1, "shmat: %m");
  return at;
}

static struct shmid_ds look(int id) {
  struct shmid_ds found;
  check(shmctl(id, IPC_STAT, &found) == 0, "IPC_STAT of %d: %m", id);
  return found;
}

static int make(key_t key) {
  int id = shmget(key, SIZE, IPC_CREAT | IPC_EXCL | 0600);
  check(id >= 0, "shmget: %m");
  return id;
}

static void await(volatile int *common, int index, int value) {
  while (common[index] != value) usleep(1000);
}

int main(void) {
  victim_start();
  key_t key = 0x52000000 ^ getpid();
  int removed = make(key ^ 0x1000000);
  char *old = attach(removed, 0);
  strcpy(old + 3 * PAGE, "of old");
  check(shmctl(removed, IPC_RMID, NULL) == 0, "%m");
  int shared = make(key);
  volatile int *common = attach(shared, 0);
  int constant = make(IPC_PRIVATE);
  char *writable = attach(constant, 0);
  strcpy(writable + 7 * PAGE, "constant");
  pid_t child = fork();
  if (child == 0) {
    check(shmdt(writable) == 0, "%m");
    const char *view = attach(constant, SHM_RDONLY);
    int own = make(IPC_PRIVATE);
    char *mine = attach(own, 0);
    strcpy(mine + PAGE, "the child's");
    common[3] = own;
    pid_t grandchild = fork();
    if (grandchild == 0) {
      check(shmdt(mine) == 0 && shmdt(view) == 0, "%m");
      common[0] = 1;
      ready_wait("attached");
      check(!strcmp(old + 3 * PAGE, "of old"), "%s", old + 3 * PAGE);
      strcpy(old + 4 * PAGE, "of the grandchild");
      common[1] = 1;
      await(common, 2, 1);
      _exit(7);
    }
    ready_wait("attached");
    await(common, 1, 1);
    check(!strcmp(old + 4 * PAGE, "of the grandchild"), "%s", old + 4 * PAGE);
    check(!strcmp(mine + PAGE, "the child's"), "%s", mine + PAGE);
    check(look(own).shm_nattch == 1, "%lu", look(own).shm_nattch);
    check(!strcmp(view + 7 * PAGE, "constant"), "%s", view + 7 * PAGE);
    common[2] = 1;
    int status;
    check(wait(&status) == grandchild && WEXITSTATUS(status) == 7, "status %x", status);
    await(common, 4, 1);
    check(!strcmp(view + 8 * PAGE, "written"), "%s", view + 8 * PAGE);
    check(shmctl(own, IPC_RMID, NULL) == 0, "%m");
    _exit(8);
  }
  await(common, 0, 1);
  ready("attached");
  check(look(shared).shm_nattch >= 2, "%lu", look(shared).shm_nattch);
  check(shmget(key, 0, 0) == shared, "the key leads elsewhere");
  check(look(shared).shm_perm.__key == key && look(removed).shm_perm.__key == 0, "keys");
  check(look(removed).shm_perm.mode & SHM_DEST, "mode %o", look(removed).shm_perm.mode);
  strcpy(writable + 8 * PAGE, "written");
  common[4] = 1;
  int status;
  check(wait(&status) == child && WEXITSTATUS(status) == 8, "status %x", status);
  check(look(removed).shm_nattch == 1, "%lu", look(removed).shm_nattch);
  check(shmdt(old) == 0, "%m");
  struct shmid_ds gone;
  check(shmctl(removed, IPC_STAT, &gone) < 0, "the removed one is still there");
  check(shmctl(shared, IPC_RMID, NULL) == 0 && shmctl(constant, IPC_RMID, NULL) == 0, "%m");
  pass();
}

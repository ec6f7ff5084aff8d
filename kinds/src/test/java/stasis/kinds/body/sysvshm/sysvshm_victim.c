// System V segments keep id, key, size, owner, mode, contents and holes; a removed one too.
#include "victim.h"

#include <sys/mman.h>
#include <sys/shm.h>

#define PAGE 4096UL
#define PAGES 64

static struct shmid_ds look(int id) {
  struct shmid_ds found;
  check(shmctl(id, IPC_STAT, &found) == 0, "IPC_STAT of %d: %m", id);
  return found;
}

static void same(const char *what, const struct shmid_ds *a, const struct shmid_ds *b) {
  check(a->shm_perm.__key == b->shm_perm.__key, "key of %s: %x, %x", what, a->shm_perm.__key, b->shm_perm.__key);
  check(a->shm_perm.mode == b->shm_perm.mode, "mode of %s: %o, %o", what, a->shm_perm.mode, b->shm_perm.mode);
  check(a->shm_perm.uid == b->shm_perm.uid && a->shm_perm.gid == b->shm_perm.gid, "owner of %s", what);
  check(a->shm_perm.cuid == b->shm_perm.cuid && a->shm_perm.cgid == b->shm_perm.cgid, "creator of %s", what);
  check(a->shm_segsz == b->shm_segsz, "size of %s: %zu, %zu", what, a->shm_segsz, b->shm_segsz);
  check(a->shm_nattch == b->shm_nattch, "attaches of %s: %lu, %lu", what, a->shm_nattch, b->shm_nattch);
}

static unsigned resident(void *at) {
  unsigned char pages[PAGES];
  check(mincore(at, PAGES * PAGE, pages) == 0, "mincore: %m");
  unsigned count = 0;
  for (unsigned page = 0; page < PAGES; page++) count += pages[page] & 1;
  return count;
}

int main(void) {
  victim_start();
  key_t key = 0x51000000 ^ getpid();
  int ids[3] = {shmget(key, PAGES * PAGE - 100, IPC_CREAT | IPC_EXCL | 0640),
      shmget(IPC_PRIVATE, PAGES * PAGE, IPC_CREAT | 0600), shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600)};
  unsigned char *at[3];
  for (int i = 0; i < 3; i++) {
    check(ids[i] >= 0, "shmget: %m");
    at[i] = shmat(ids[i], NULL, 0);
    check(at[i] != (void *)-1, "shmat: %m");
    at[i][0] = (unsigned char)(1 + i);
  }
  for (int i = 0; i < 2; i++) memset(at[i] + 20 * PAGE, 'a' + i, 5 * PAGE);
  if (geteuid() == 0) {
    // Another creator than owner.
    check(seteuid(1234) == 0, "%m");
    int own = shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
    check(own >= 0, "shmget: %m");
    check(seteuid(0) == 0, "%m");
    check(shmdt(at[2]) == 0 && shmctl(ids[2], IPC_RMID, NULL) == 0, "%m");
    ids[2] = own;
    at[2] = shmat(own, NULL, 0);
    check(at[2] != (void *)-1, "shmat: %m");
    at[2][0] = 3;
    struct shmid_ds change = look(ids[2]);
    change.shm_perm.uid = 77;
    change.shm_perm.gid = 78;
    change.shm_perm.mode = 0444;
    check(shmctl(ids[2], IPC_SET, &change) == 0, "IPC_SET: %m");
    check(shmctl(ids[2], SHM_LOCK, NULL) == 0, "SHM_LOCK: %m");
  }
  check(shmctl(ids[1], IPC_RMID, NULL) == 0, "IPC_RMID: %m");
  struct shmid_ds before[3];
  for (int i = 0; i < 3; i++) before[i] = look(ids[i]);

  ready("attached");

  const char *names[] = {"the keyed one", "the removed one", "the changed one"};
  for (int i = 0; i < 3; i++) {
    struct shmid_ds after = look(ids[i]);
    same(names[i], &before[i], &after);
    check(at[i][0] == 1 + i, "first byte of %s", names[i]);
  }
  for (int i = 0; i < 2; i++) {
    check(resident(at[i]) <= 7, "%s has %u pages", names[i], resident(at[i]));
    for (size_t byte = 20 * PAGE; byte < 25 * PAGE; byte++) check(at[i][byte] == 'a' + i, "%s at %zu", names[i], byte);
    check(at[i][PAGE] == 0 && at[i][25 * PAGE] == 0, "a hole of %s", names[i]);
  }
  check(shmget(key, 0, 0) == ids[0], "the key leads elsewhere");
  check(shmdt(at[1]) == 0, "shmdt: %m");
  struct shmid_ds gone;
  check(shmctl(ids[1], IPC_STAT, &gone) < 0 && (errno == EINVAL || errno == EIDRM), "the removed one is still there");
  check(shmctl(ids[0], IPC_RMID, NULL) == 0 && shmctl(ids[2], IPC_RMID, NULL) == 0, "IPC_RMID: %m");
  pass();
}

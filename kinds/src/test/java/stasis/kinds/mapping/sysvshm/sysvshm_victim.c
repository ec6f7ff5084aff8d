// A System V segment attached whole, read-only, and in what munmap, mprotect and mremap left of an attach.
#include "victim.h"

#include <sys/mman.h>
#include <sys/shm.h>

#define PAGE 4096UL
#define PAGES 16

static unsigned long attaches(int id) {
  struct shmid_ds found;
  check(shmctl(id, IPC_STAT, &found) == 0, "IPC_STAT: %m");
  return found.shm_nattch;
}

int main(void) {
  victim_start();
  int id = shmget(IPC_PRIVATE, PAGES * PAGE, IPC_CREAT | 0600);
  check(id >= 0, "shmget: %m");
  unsigned char *whole = shmat(id, NULL, 0);
  const unsigned char *constant = shmat(id, NULL, SHM_RDONLY);
  unsigned char *parts = shmat(id, NULL, 0);
  check(whole != (void *)-1 && constant != (void *)-1 && parts != (void *)-1, "shmat: %m");
  for (unsigned page = 0; page < PAGES; page++) whole[page * PAGE] = (unsigned char)(page + 1);
  check(munmap(parts, 2 * PAGE) == 0 && munmap(parts + 5 * PAGE, PAGE) == 0, "munmap: %m");
  check(mprotect(parts + 8 * PAGE, 2 * PAGE, PROT_READ) == 0, "mprotect: %m");
  unsigned char *place = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  unsigned char *moved = mremap(parts + 12 * PAGE, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);
  check(moved == place, "mremap: %m");
  unsigned long before = attaches(id);

  ready("attached");

  check(attaches(id) == before, "%lu attaches, %lu before", attaches(id), before);
  for (unsigned page = 0; page < PAGES; page++) {
    check(whole[page * PAGE] == page + 1 && constant[page * PAGE] == page + 1, "page %u", page);
    if (page >= 2 && page != 5 && (page < 12 || page == 15)) check(parts[page * PAGE] == page + 1, "part %u", page);
    if (page >= 12 && page < 15) check(moved[(page - 12) * PAGE] == page + 1, "moved %u", page);
  }
  whole[12 * PAGE] = 99;
  check(constant[12 * PAGE] == 99 && moved[0] == 99, "they no longer share");
  check(mprotect((void *)constant, PAGE, PROT_READ | PROT_WRITE) < 0 && errno == EACCES, "read-only became writable");
  check(mprotect(parts + 8 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect: %m");
  check(shmctl(id, IPC_RMID, NULL) == 0, "IPC_RMID: %m");
  // One call for all the parts that are where the attach had them.
  check(shmdt(parts) == 0 && shmdt(constant) == 0 && shmdt(whole) == 0, "shmdt: %m");
  check(attaches(id) == 1, "%lu attaches are left", attaches(id));
  check(munmap(moved, 3 * PAGE) == 0, "munmap: %m");
  struct shmid_ds gone;
  check(shmctl(id, IPC_STAT, &gone) < 0, "the segment is still there");
  pass();
}

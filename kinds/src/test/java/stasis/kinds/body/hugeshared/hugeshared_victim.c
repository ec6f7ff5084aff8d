// What lies in huge pages of hugetlbfs below mappings: shared memory of which only a part is mapped; a memfd with a
// description, a part mapped shared and a part mapped privately; segments of System V shared memory, one removed, one
// attached read-only as well.
#include "huge.h"

#include <sys/ipc.h>
#include <sys/shm.h>

static void *map(unsigned long pages, int flags, int fd, long offset) {
  void *at = mmap(NULL, pages * HUGE_PAGE, PROT_READ | PROT_WRITE, flags, fd, offset);
  check(at != MAP_FAILED, "mmap: %m");
  return at;
}

static unsigned char *attach(int id, int flags) {
  unsigned char *at = shmat(id, NULL, flags);
  check(at != (void *)-1, "shmat: %m");
  return at;
}

int main(void) {
  victim_start();
  huge_begin();
  unsigned char *shared = map(3, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
  shared[1] = 1;
  shared[2 * HUGE_PAGE + 2] = 2;
  check(munmap(shared, HUGE_PAGE) == 0, "munmap: %m");
  int fd = memfd_create("pages", MFD_HUGETLB | MFD_CLOEXEC | MFD_ALLOW_SEALING);
  check(fd >= 0 && ftruncate(fd, 3 * HUGE_PAGE) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0, "memfd: %m");
  unsigned char *part = map(2, MAP_SHARED, fd, HUGE_PAGE);
  unsigned char *copy = map(2, MAP_PRIVATE, fd, 0);
  part[4] = 3;
  copy[5] = 4;
  lseek(fd, HUGE_PAGE + 4, SEEK_SET);
  int kept = shmget(IPC_PRIVATE, HUGE_PAGE + 5, SHM_HUGETLB | IPC_CREAT | 0600);
  int removed = shmget(IPC_PRIVATE, HUGE_PAGE, SHM_HUGETLB | IPC_CREAT | 0600);
  check(kept >= 0 && removed >= 0, "shmget: %m");
  unsigned char *segment = attach(kept, 0);
  unsigned char *constant = attach(kept, SHM_RDONLY);
  unsigned char *gone = attach(removed, 0);
  check(shmctl(removed, IPC_RMID, NULL) == 0, "shmctl: %m");
  segment[HUGE_PAGE + 4] = 8;
  gone[0] = 9;
  ready("below");
  check(shared[2 * HUGE_PAGE + 2] == 2 && shared[HUGE_PAGE] == 0, "shared");
  unsigned char byte = 0;
  check(read(fd, &byte, 1) == 1 && byte == 3, "read %d: %m", byte);
  check(part[4] == 3 && copy[5] == 4 && copy[HUGE_PAGE + 4] == 3, "parts of the memfd");
  check(fcntl(fd, F_GET_SEALS) == F_SEAL_SHRINK, "seals");
  part[4] = 7;
  check(copy[HUGE_PAGE + 4] == 7, "what nobody wrote is still shared");
  check(segment[HUGE_PAGE + 4] == 8 && constant[HUGE_PAGE + 4] == 8 && gone[0] == 9, "segments");
  segment[0] = 11;
  check(constant[0] == 11, "the segment is one");
  check(mprotect(constant, HUGE_PAGE, PROT_READ | PROT_WRITE) == -1, "a read-only attach became writable");
  check(shmdt(segment) == 0 && shmdt(constant) == 0 && shmdt(gone) == 0, "shmdt: %m");
  check(shmctl(kept, IPC_RMID, NULL) == 0 && shmctl(removed, IPC_RMID, NULL) == -1, "shmctl: %m");
  huge_end();
  pass();
}

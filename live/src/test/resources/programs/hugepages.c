// Memory in huge pages of hugetlbfs, reserved or not: nothing of it need be there for the vma to be of that kind.
#include "victim.h"
#include <sys/mman.h>

int main(void) {
  victim_start();
  void *at = mmap(NULL, 2 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);
  ready(at == MAP_FAILED ? "none" : "mapped");
  pass();
}

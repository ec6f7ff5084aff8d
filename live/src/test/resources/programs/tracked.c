// Changes its memory in every way there is, a way a round, and knows at each moment what must be in it. Between the
// rounds it is checkpointed by tracking: what an image then has wrong is found by the copy that is restored from it.
#include "victim.h"

#include <sys/mman.h>
#include <sys/wait.h>

#define PAGE 4096
#define PAGES 512
#define ROUNDS 15
#define AREAS 6

// What one area must hold: a seed a page, 0 for zeros.
struct area {
  unsigned char *at;
  uint32_t seed[PAGES];
};

static struct area area[AREAS];
static uint32_t next_seed = 1;

struct shared {
  volatile int order, done;
  unsigned char bytes[64 * PAGE];
};
static struct shared *shared;
static uint32_t shared_seed;
static pid_t child;
static unsigned char *heap[8];
static uint32_t heap_seed[8];
static size_t heap_pages;

static void fill(unsigned char *page, uint32_t seed) {
  uint32_t x = seed * 2654435761u + 1;
  for (int i = 0; i < PAGE; i += 4) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    memcpy(page + i, &x, 4);
  }
}

static void expect(const unsigned char *page, uint32_t seed, const char *what, int index) {
  unsigned char wanted[PAGE] = {0};
  if (seed != 0) {
    fill(wanted, seed);
  }
  check(memcmp(page, wanted, PAGE) == 0, "page %d of %s is not what was written", index, what);
}

static void put(struct area *in, int page) {
  in->seed[page] = next_seed++;
  fill(in->at + page * PAGE, in->seed[page]);
}

static void map(struct area *in, int pages) {
  in->at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(in->at != MAP_FAILED, "mmap: %m");
  for (int i = 0; i < pages; i++) {
    put(in, i);
  }
}

// As one page table has them: the kernel may move them with it.
static void map_whole_table(struct area *in) {
  uintptr_t size = PAGES * PAGE;
  unsigned char *found = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(found != MAP_FAILED, "mmap: %m");
  in->at = (unsigned char *)(((uintptr_t)found + size - 1) & -size);
  if (in->at > found) {
    check(munmap(found, in->at - found) == 0, "munmap: %m");
  }
  check(munmap(in->at + size, found + size - in->at) == 0, "munmap: %m");
  check(madvise(in->at, size, MADV_NOHUGEPAGE) == 0, "madvise: %m");
  for (int i = 0; i < PAGES; i++) {
    put(in, i);
  }
}

static void verify(void) {
  for (int a = 0; a < AREAS; a++) {
    for (int i = 0; area[a].at != NULL && i < PAGES; i++) {
      expect(area[a].at + i * PAGE, area[a].seed[i], "an area", a * 10000 + i);
    }
  }
  for (size_t i = 0; i < heap_pages; i++) {
    expect(heap[i], heap_seed[i], "the heap", i);
  }
  for (int i = 0; i < 64; i++) {
    expect(shared->bytes + i * PAGE, shared_seed, "shared memory", i);
  }
}

// Tells the child to do something, and waits until it has.
static void order(int what) {
  shared->order = what;
  for (int i = 0; shared->done != what; i++) {
    check(i < 10000, "the child does not do %d", what);
    usleep(1000);
  }
}

// Its own copies of the areas change by orders: 1 verify and rewrite, 2 exec, 3 end.
static void be_child(void) {
  for (int seen = 0;;) {
    int wanted = shared->order;
    if (wanted == seen) {
      usleep(1000);
      continue;
    }
    if (wanted % 10 == 2) {
      char address[32];
      snprintf(address, sizeof address, "%d", wanted);
      // What is shared is inherited by nobody who executes: the program that comes has its own.
      shared->done = wanted;
      execl("/proc/self/exe", "tracked", "idle", address, NULL);
      victim_fail(__FILE__, __LINE__, "execl", "%m");
    }
    for (int a = 0; a < AREAS; a++) {
      for (int i = 0; area[a].at != NULL && i < PAGES; i++) {
        expect(area[a].at + i * PAGE, area[a].seed[i], "an area of the child", a * 10000 + i);
      }
    }
    for (int i = wanted % 7; area[0].at != NULL && i < PAGES; i += 29) {
      put(&area[0], i);
    }
    seen = wanted;
    shared->done = wanted;
    if (wanted % 10 == 3) {
      _exit(0);
    }
  }
}

static void idle(void) {
  unsigned char *mine = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 64; i++) {
    fill(mine + i * PAGE, i + 1);
  }
  for (;;) {
    for (int i = 0; i < 64; i++) {
      expect(mine + i * PAGE, i + 1, "what was executed", i);
    }
    usleep(2000);
  }
}

static void *rest(void *stack) {
  unsigned char mine[16 * PAGE];
  for (int i = 0; i < 16; i++) {
    fill(mine + i * PAGE, 77 + i);
  }
  __atomic_store_n((int *)stack, 1, __ATOMIC_SEQ_CST);
  for (;;) {
    for (int i = 0; i < 16; i++) {
      expect(mine + i * PAGE, 77 + i, "the stack of a thread", i);
    }
    usleep(2000);
  }
  return NULL;
}

static void move(struct area *in, int page, int pages, unsigned char *to) {
  check(mremap(in->at + page * PAGE, pages * PAGE, pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to,
        "mremap: %m");
}

// Two areas whose pages all change places, with as many of them there as before.
static void swap(struct area *a, struct area *b, int page, int pages) {
  unsigned char *aside = mmap(NULL, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  move(a, page, pages, aside);
  move(b, page, pages, a->at + page * PAGE);
  check(mremap(aside, pages * PAGE, pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, b->at + page * PAGE) != MAP_FAILED,
        "mremap back: %m");
  for (int i = page; i < page + pages; i++) {
    uint32_t kept = a->seed[i];
    a->seed[i] = b->seed[i];
    b->seed[i] = kept;
  }
}

static void drop(struct area *in, int page, int pages) {
  check(madvise(in->at + page * PAGE, pages * PAGE, MADV_DONTNEED) == 0, "madvise: %m");
  memset(in->seed + page, 0, pages * sizeof in->seed[0]);
}

static void share(void) {
  shared_seed = next_seed++;
  for (int i = 0; i < 64; i++) {
    fill(shared->bytes + i * PAGE, shared_seed);
  }
}

static void grow(size_t pages) {
  for (size_t i = 0; i < pages; i++) {
    heap[heap_pages] = sbrk(PAGE); // malloc(3) may have taken some in between
    check(heap[heap_pages] != (void *)-1, "sbrk: %m");
    heap_seed[heap_pages] = next_seed++;
    fill(heap[heap_pages], heap_seed[heap_pages]);
    heap_pages++;
  }
}

static void from_the_kernel(struct area *in, int page) {
  int ends[2];
  check(pipe(ends) == 0, "pipe: %m");
  unsigned char bytes[PAGE];
  in->seed[page] = next_seed++;
  fill(bytes, in->seed[page]);
  check(write(ends[1], bytes, PAGE) == PAGE && read(ends[0], in->at + page * PAGE, PAGE) == PAGE, "pipe: %m");
  close(ends[0]);
  close(ends[1]);
}

static void file_private(struct area *in, const char *folder) {
  char path[1200];
  snprintf(path, sizeof path, "%s/mapped", folder == NULL ? "/tmp" : folder);
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  check(fd >= 0, "open: %m");
  for (int i = 0; i < PAGES; i++) {
    unsigned char bytes[PAGE];
    in->seed[i] = 5000 + i;
    fill(bytes, in->seed[i]);
    check(write(fd, bytes, PAGE) == PAGE, "write: %m");
  }
  in->at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  check(in->at != MAP_FAILED, "mmap: %m");
  close(fd);
  for (int i = 0; i < PAGES; i += 3) {
    put(in, i);
  }
}

static void change(int round) {
  static int ready;
  pthread_t thread;
  switch (round) {
    case 1:
      for (int i = 0; i < 40; i++) {
        put(&area[0], (i * 37 + 5) % PAGES);
      }
      break;
    case 2: // a child, and both write
      child = fork();
      if (child == 0) {
        be_child();
      }
      put(&area[0], 3);
      order(11);
      break;
    case 3: // part of an area moves on top of another
      for (int i = 0; i < 100; i++) {
        area[1].seed[200 + i] = area[0].seed[100 + i];
      }
      move(&area[0], 100, 100, area[1].at + 200 * PAGE);
      check(mmap(area[0].at + 100 * PAGE, 100 * PAGE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED, "mmap: %m");
      memset(area[0].seed + 100, 0, 100 * sizeof(uint32_t));
      break;
    case 4: // the same places, mapped anew, as full as before
      check(munmap(area[1].at, 128 * PAGE) == 0 && mmap(area[1].at, 128 * PAGE, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == area[1].at, "mmap: %m");
      for (int i = 0; i < 128; i++) {
        put(&area[1], i);
      }
      break;
    case 5: // dropped; some written again, some read again
      drop(&area[0], 0, 64);
      for (int i = 0; i < 32; i++) {
        put(&area[0], i);
      }
      expect(area[0].at + 40 * PAGE, 0, "a dropped area", 40);
      break;
    case 6:
      grow(3);
      put(&area[1], 130);
      break;
    case 7:
      check(pthread_create(&thread, NULL, rest, &ready) == 0, "pthread_create");
      while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) == 0) {
        usleep(1000);
      }
      grow(2);
      break;
    case 8:
      share();
      order(21);
      file_private(&area[2], getenv("VICTIM_DIR"));
      break;
    case 9: // what was written of a file's private pages is dropped: the file shows again
      check(madvise(area[2].at, 96 * PAGE, MADV_DONTNEED) == 0, "madvise: %m");
      for (int i = 0; i < 96; i++) {
        area[2].seed[i] = 5000 + i;
      }
      put(&area[2], 300);
      break;
    case 10:
      swap(&area[0], &area[1], 312, 96);
      break;
    case 11: // written while it is forbidden and allowed again, and by the kernel
      check(mprotect(area[1].at, 64 * PAGE, PROT_NONE) == 0 &&
            mprotect(area[1].at, 64 * PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect: %m");
      put(&area[1], 7);
      from_the_kernel(&area[1], 70);
      order(31);
      break;
    case 12:
      order(42);
      share();
      put(&area[1], 8);
      break;
    case 13: // grown in place, where nothing was
      check(munmap(area[3].at + 256 * PAGE, 256 * PAGE) == 0, "munmap: %m");
      check(mremap(area[3].at, 256 * PAGE, PAGES * PAGE, 0) == area[3].at, "mremap: %m");
      memset(area[3].seed + 256, 0, 256 * sizeof(uint32_t));
      for (int i = 250; i < 300; i++) {
        put(&area[3], i);
      }
      break;
    case 14: // whole page tables change places
      swap(&area[4], &area[5], 0, PAGES);
      break;
  }
}

int main(int count, char **arguments) {
  if (count > 1 && strcmp(arguments[1], "idle") == 0) {
    idle();
  }
  victim_start();
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  share();
  map(&area[0], PAGES);
  map(&area[1], PAGES - 100);
  map(&area[3], PAGES);
  map_whole_table(&area[4]);
  map_whole_table(&area[5]);
  for (int round = 0; round < ROUNDS; round++) {
    change(round);
    char label[16];
    snprintf(label, sizeof label, "round%d", round);
    ready(label);
    verify();
  }
  kill(child, SIGKILL);
  check(waitpid(child, NULL, 0) == child, "waitpid: %m");
  pass();
}

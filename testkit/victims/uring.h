// uring.h: an io_uring by its bare system calls.
#ifndef URING_H
#define URING_H

#include "victim.h"

#include <linux/io_uring.h>
#include <sys/mman.h>

#ifndef IORING_SETUP_NO_SQARRAY
#define IORING_SETUP_NO_SQARRAY (1U << 16)
#endif

struct ring {
  int fd;
  struct io_uring_params params;
  char *rings;
  struct io_uring_sqe *entries;
};

static inline unsigned *ring_word(struct ring *ring, unsigned offset) { return (unsigned *)(ring->rings + offset); }

// Where there is no io_uring the victim says `none` and passes.
static inline void ring_open(struct ring *ring, unsigned entries, unsigned flags, unsigned completions) {
  memset(ring, 0, sizeof *ring);
  ring->params.flags = flags;
  ring->params.cq_entries = completions;
  ring->fd = (int)syscall(SYS_io_uring_setup, entries, &ring->params);
  if (ring->fd < 0) {
    ready("none");
    pass();
  }
  size_t bytes = ring->params.sq_off.array + ring->params.sq_entries * sizeof(unsigned);
  size_t more = ring->params.cq_off.cqes + ring->params.cq_entries * sizeof(struct io_uring_cqe);
  ring->rings = mmap(NULL, bytes > more ? bytes : more, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
  ring->entries = mmap(NULL, ring->params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE, MAP_SHARED,
      ring->fd, IORING_OFF_SQES);
  check(ring->rings != MAP_FAILED && ring->entries != MAP_FAILED, "mmap: %m");
}

// Leaves an entry for the kernel to take. Returns it, to be changed.
static inline struct io_uring_sqe *ring_put(struct ring *ring, uint64_t data) {
  unsigned tail = *ring_word(ring, ring->params.sq_off.tail);
  unsigned index = tail & (ring->params.sq_entries - 1);
  ring->entries[index] = (struct io_uring_sqe){.opcode = IORING_OP_NOP, .user_data = data};
  if ((ring->params.flags & IORING_SETUP_NO_SQARRAY) == 0) ring_word(ring, ring->params.sq_off.array)[index] = index;
  __atomic_store_n(ring_word(ring, ring->params.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
  return &ring->entries[index];
}

// The same: to read one byte of a file.
static inline struct io_uring_sqe *ring_read(struct ring *ring, int file, void *to, uint64_t data) {
  struct io_uring_sqe *entry = ring_put(ring, data);
  entry->opcode = IORING_OP_READ;
  entry->fd = file;
  entry->addr = (uintptr_t)to;
  entry->len = 1;
  return entry;
}

static inline void ring_enter(struct ring *ring, unsigned count, unsigned wait) {
  check(syscall(SYS_io_uring_enter, ring->fd, count, wait, wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0) == (long)count,
      "io_uring_enter: %m");
}

// Takes the next completion.
static inline void ring_expect(struct ring *ring, uint64_t data, int result) {
  unsigned head = *ring_word(ring, ring->params.cq_off.head);
  check(__atomic_load_n(ring_word(ring, ring->params.cq_off.tail), __ATOMIC_ACQUIRE) != head, "no completion");
  struct io_uring_cqe *all = (struct io_uring_cqe *)(ring->rings + ring->params.cq_off.cqes);
  struct io_uring_cqe *next = &all[head & (ring->params.cq_entries - 1)];
  check(next->user_data == data && next->res == result, "completion %llu, %d instead of %llu, %d",
      (unsigned long long)next->user_data, next->res, (unsigned long long)data, result);
  __atomic_store_n(ring_word(ring, ring->params.cq_off.head), head + 1, __ATOMIC_RELEASE);
}

// Nothing asked for, and done.
static inline void ring_use(struct ring *ring) {
  ring_put(ring, 5);
  ring_enter(ring, 1, 1);
  ring_expect(ring, 5, 0);
}

#endif

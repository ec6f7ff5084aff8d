// Runs restartable sequences for ever, in the area that glibc has registered. argv[1]: file with the words
// start, end and abort address of the sequence, commits, aborts.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <unistd.h>

extern char section_start[], section_end[], section_abort[];

int main(int argc, char **argv) {
  int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
  if (ftruncate(fd, 4096)) return 1;
  volatile unsigned long *words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  words[0] = (unsigned long)section_start;
  words[1] = (unsigned long)section_end;
  words[2] = (unsigned long)section_abort;
  struct rseq *area = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
  for (;;) {
    unsigned long aborted;
    asm volatile(
        ".pushsection __rseq_cs, \"aw\"\n .balign 32\n 3: .long 0, 0\n"
        " .quad section_start, section_end - section_start, section_abort\n .popsection\n"
        " lea 3b(%%rip), %%rax\n mov %%rax, %[cs]\n"
        "section_start:\n mov $20000000, %%rcx\n"
        "1: dec %%rcx\n jnz 1b\n mov $0, %[aborted]\n"
        "section_end:\n jmp 2f\n"
        " .byte 0x0f, 0xb9, 0x3d\n .long 0x53053053\n"
        "section_abort:\n mov $1, %[aborted]\n"
        "2:\n"
        : [aborted] "=&r"(aborted), [cs] "=m"(area->rseq_cs) : : "rax", "rcx", "memory");
    words[3 + aborted]++;
  }
}

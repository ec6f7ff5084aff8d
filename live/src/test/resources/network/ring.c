/* Sums around a ring of ranks, with work between the messages; the first says the sum. */
#include <mpi.h>
#include <stdio.h>
int main(int argc, char **argv) {
  int rank, size;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  long total = 0, block[2000];
  for (int round = 0; round < 90000; round++) {
    for (int i = 0; i < 2000; i++) block[i] = round + i % 3 + rank;
    MPI_Sendrecv_replace(block, 2000, MPI_LONG, (rank + 1) % size, 7, (rank + size - 1) % size, 7, MPI_COMM_WORLD,
                         MPI_STATUS_IGNORE);
    for (int i = 0; i < 2000; i++) total += block[i];
  }
  long all = 0;
  MPI_Reduce(&total, &all, 1, MPI_LONG, MPI_SUM, 0, MPI_COMM_WORLD);
  if (rank == 0) printf("sum %ld of %d\n", all, size);
  MPI_Finalize();
  return 0;
}

package stasis.linux.bpf;

import java.util.List;

/// What is read of each set a task owes semaphore adjustments, from its sem_undo (ipc/sem.c).
enum UndoField implements KernelField {
  LIST("ulp", 0),
  SEMID("semid", 0),
  ADJUSTMENTS("semadj", 2 * SemUndo.SHOWN_MAX);

  private final String expression;
  private final int bytes;

  UndoField(String expression, int bytes) {
    this.expression = expression;
    this.bytes = bytes;
  }

  @Override
  public List<String> expressions() {
    return List.of(expression);
  }

  /// `semadj` is a trailing array, on older kernels a pointer to what trails: as many bytes as are read of it, whatever
  /// the struct says.
  @Override
  public int trailingBytes() {
    return bytes;
  }
}

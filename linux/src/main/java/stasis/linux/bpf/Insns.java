package stasis.linux.bpf;

import java.util.Arrays;

/// A BPF program being written, one instruction a `long`: op, registers, offset and immediate from the lowest byte up
/// (Documentation/bpf/standardization/instruction-set.rst).
final class Insns {
  static final int R0 = 0;
  static final int R1 = 1;
  static final int R2 = 2;
  static final int R3 = 3;
  static final int R4 = 4;
  static final int R5 = 5;
  static final int R6 = 6;
  static final int R7 = 7;
  static final int R8 = 8;
  static final int R9 = 9;
  /// The frame pointer; locals lie at negative offsets, at most 512 bytes down.
  static final int FP = 10;

  /// Helpers (include/uapi/linux/bpf.h, ___BPF_FUNC_MAPPER).
  static final int MAP_LOOKUP_ELEM = 1;
  static final int GET_CURRENT_TASK = 35;
  static final int PROBE_READ_KERNEL = 113;
  static final int SEQ_WRITE = 127;
  static final int SNPRINTF = 165;
  static final int MAP_LOOKUP_PERCPU_ELEM = 195;

  private static final int PSEUDO_MAP_FD = 1;
  private static final int PSEUDO_MAP_VALUE = 2;
  private static final int INSNS_MAX = 1 << 16;

  private long[] code = new long[256];
  private int size;
  private int[] labels = new int[8];
  private int labelCount;
  private int[] jumps = new int[16];
  private int[] targets = new int[16];
  private int jumpCount;

  /// A place to jump to, bound later or already.
  int label() {
    if (labelCount == labels.length) {
      labels = Arrays.copyOf(labels, 2 * labelCount);
    }
    labels[labelCount] = -1;
    return labelCount++;
  }

  void bind(int label) {
    labels[label] = size;
  }

  void move(int to, int from) {
    emit(0xbf, to, from, 0, 0);
  }

  void set(int register, int value) {
    emit(0xb7, register, 0, 0, value);
  }

  void add(int register, int value) {
    emit(0x07, register, 0, 0, value);
  }

  void addRegister(int to, int other) {
    emit(0x0f, to, other, 0, 0);
  }

  void multiply(int register, int factor) {
    emit(0x27, register, 0, 0, factor);
  }

  void load64(int to, int base, int offset) {
    emit(0x79, to, base, offset, 0);
  }

  void store64(int base, int offset, int from) {
    emit(0x7b, base, from, offset, 0);
  }

  void store64Value(int base, int offset, int value) {
    emit(0x7a, base, 0, offset, value);
  }

  void call(int helper) {
    emit(0x85, 0, 0, 0, helper);
  }

  void exit() {
    emit(0x95, 0, 0, 0, 0);
  }

  void jump(int label) {
    jumpTo(label);
    emit(0x05, 0, 0, 0, 0);
  }

  void jumpIfEqual(int register, int value, int label) {
    jumpTo(label);
    emit(0x15, register, 0, 0, value);
  }

  void jumpIfNotEqual(int register, int value, int label) {
    jumpTo(label);
    emit(0x55, register, 0, 0, value);
  }

  void jumpIfSame(int register, int other, int label) {
    jumpTo(label);
    emit(0x1d, register, other, 0, 0);
  }

  /// Unsigned.
  void jumpIfAtLeast(int register, int value, int label) {
    jumpTo(label);
    emit(0x35, register, 0, 0, value);
  }

  void loadMap(int to, int mapFd) {
    emit(0x18, to, PSEUDO_MAP_FD, 0, mapFd);
    emit(0, 0, 0, 0, 0);
  }

  /// Address of the first value of a map of one value.
  void loadMapValue(int to, int mapFd) {
    emit(0x18, to, PSEUDO_MAP_VALUE, 0, mapFd);
    emit(0, 0, 0, 0, 0);
  }

  /// The program with its jumps resolved.
  long[] assemble() {
    long[] program = Arrays.copyOf(code, size);
    for (int i = 0; i < jumpCount; i++) {
      int distance = labels[targets[i]] - jumps[i] - 1;
      if (labels[targets[i]] < 0 || distance != (short) distance) {
        throw new IllegalStateException("jump " + i + " at " + jumps[i] + " leads nowhere in reach");
      }
      program[jumps[i]] |= (distance & 0xffffL) << 16;
    }
    return program;
  }

  private void jumpTo(int label) {
    if (jumpCount == jumps.length) {
      jumps = Arrays.copyOf(jumps, 2 * jumpCount);
      targets = Arrays.copyOf(targets, 2 * jumpCount);
    }
    jumps[jumpCount] = size;
    targets[jumpCount++] = label;
  }

  private void emit(int op, int destination, int source, int offset, int immediate) {
    if (offset != (short) offset || size >= INSNS_MAX) {
      throw new IllegalArgumentException("BPF instruction out of range: offset " + offset + ", number " + size);
    }
    if (size == code.length) {
      code = Arrays.copyOf(code, 2 * size);
    }
    code[size++] = op | (long) destination << 8 | (long) source << 12 | (offset & 0xffffL) << 16
        | (long) immediate << 32;
  }
}

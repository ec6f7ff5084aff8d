package stasis.linux.abi;

/// Kernel `sigset_t`: bit n-1 stands for signal n. 8 bytes on every 64-bit arch (uapi/asm-generic/signal.h).
public record SigSet(long bits) {
  public static final int BYTES = 8;

  public boolean contains(int signal) {
    return (bits >>> (signal - 1) & 1) != 0;
  }

  @Override
  public String toString() {
    return String.format("%016x", bits);
  }
}

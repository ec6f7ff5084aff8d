package stasis.linux.bpf;

/// The running kernel lacks something this package stands on; the message says what.
final class UnsupportedKernel extends Exception {
  private static final long serialVersionUID = 1L;

  UnsupportedKernel(String message) {
    super(message);
  }
}

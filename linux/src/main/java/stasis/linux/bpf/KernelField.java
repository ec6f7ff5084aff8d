package stasis.linux.bpf;

import java.util.List;

/// A field to read: an enum constant that knows how kernels spell it. The enums are the only place where fields are
/// listed; programs, record layouts and refusals follow from them.
interface KernelField {
  /// C expressions from the root struct, the first that this kernel has counts (see [Btf#field]).
  List<String> expressions();

  default Form form() {
    return Form.COPY;
  }

  /// Whether a kernel without it can be read at all.
  default boolean required() {
    return true;
  }

  /// Bytes to take where the kernel declares a trailing array without a length, or a pointer to one; 0 for all other
  /// fields.
  default int trailingBytes() {
    return 0;
  }

  /// Bytes to take of what an untyped pointer (`void *`) leads to; 0 for all other fields.
  default int pointedBytes() {
    return 0;
  }

  int ordinal();

  String name();

  /// How the value at the place is brought into the record.
  enum Form {
    /// Its bytes.
    COPY,
    /// It is a `struct pid *`: the number it has in the reader's pid namespace, 4 bytes, 0 if it has none there.
    PID_NUMBER,
    /// It is a function pointer: the function's name, NUL-terminated.
    SYMBOL
  }
}

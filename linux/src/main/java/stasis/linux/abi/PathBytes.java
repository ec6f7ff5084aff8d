package stasis.linux.abi;

import java.nio.charset.StandardCharsets;

/// A path as the kernel gave it: bytes without NUL, in no particular encoding (path_resolution(7)). Never a
/// `java.nio.file.Path`.
public record PathBytes(Bytes bytes) implements Comparable<PathBytes> {
  public PathBytes {
    for (int i = 0; i < bytes.length(); i++) {
      if (bytes.u8(i) == 0) {
        throw new IllegalArgumentException("a kernel path has no NUL");
      }
    }
  }

  /// From text with one char per byte, as all parsers of /proc text here produce, or from an ASCII literal.
  public static PathBytes of(String latin1) {
    return new PathBytes(Bytes.of(latin1.getBytes(StandardCharsets.ISO_8859_1)));
  }

  /// NUL-terminated, as a syscall argument.
  public Bytes cString() {
    return bytes.concat(Bytes.zeros(1));
  }

  /// One char per byte.
  public String latin1() {
    return new String(bytes.toArray(), StandardCharsets.ISO_8859_1);
  }

  @Override
  public int compareTo(PathBytes other) {
    return bytes.compareTo(other.bytes);
  }

  /// For people: UTF-8.
  @Override
  public String toString() {
    return new String(bytes.toArray(), StandardCharsets.UTF_8);
  }
}

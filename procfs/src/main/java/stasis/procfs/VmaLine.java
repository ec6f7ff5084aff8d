package stasis.procfs;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Parser of one header line of maps or smaps, straight from bytes: 60,000 of them must not cost a garbage collection.
/// Keeps the last name and device, because neighbours mostly share them.
final class VmaLine {
  private static final int MAX_NAME_BYTES = 16 * 4096;
  private static final byte[] DIGITS = new byte[128];

  static {
    Arrays.fill(DIGITS, (byte) -1);
    for (int digit = 0; digit < 16; digit++) {
      DIGITS["0123456789abcdef".charAt(digit)] = (byte) digit;
    }
  }

  private byte[] text = {};
  private int at;
  private int end;
  private int lineStart;
  private String name = "";
  private byte[] nameText = {};
  private Device device = Device.NONE;

  /// @param from first byte of the line @param to its newline, or the end of the text
  Vma parse(byte[] source, int from, int to) {
    text = source;
    lineStart = from;
    at = from;
    end = to;
    long start = hex((byte) '-');
    long stop = hex((byte) ' ');
    int protection = right('r', Vma.PROT_READ) | right('w', Vma.PROT_WRITE) | right('x', Vma.PROT_EXEC);
    boolean shared = right('s', 1) != 0;
    expect((byte) ' ');
    long offset = hex((byte) ' ');
    int major = (int) hex((byte) ':');
    int minor = (int) hex((byte) ' ');
    long inode = decimal();
    while (at < end && text[at] == ' ') {
      at++;
    }
    return new Vma(start, stop, protection, shared, offset, device(major, minor), inode, name());
  }

  private long hex(byte terminator) {
    long value = 0;
    int first = at;
    while (at < end) {
      byte c = text[at];
      int digit = c >= 0 ? DIGITS[c] : -1;
      if (digit < 0) {
        break;
      }
      value = value << 4 | digit;
      at++;
    }
    if (at == first || at - first > 16) {
      throw malformed("a hex number of 64 bits");
    }
    expect(terminator);
    return value;
  }

  private long decimal() {
    long value = 0;
    int first = at;
    while (at < end && text[at] >= '0' && text[at] <= '9') {
      value = value * 10 + (text[at] - '0');
      at++;
    }
    if (at == first || at - first > 20) {
      throw malformed("an inode number");
    }
    return value;
  }

  private int right(char letter, int bit) {
    if (at >= end) {
      throw malformed("rights");
    }
    byte c = text[at++];
    if (c == letter) {
      return bit;
    }
    if (c != '-' && !(letter == 's' && c == 'p')) {
      throw malformed("'" + letter + "' or '-'");
    }
    return 0;
  }

  private void expect(byte wanted) {
    if (at >= end || text[at] != wanted) {
      throw malformed("'" + (char) wanted + "'");
    }
    at++;
  }

  private Device device(int major, int minor) {
    if (device.major() != major || device.minor() != minor) {
      device = major == 0 && minor == 0 ? Device.NONE : new Device(major, minor);
    }
    return device;
  }

  private String name() {
    int length = end - at;
    if (length == 0) {
      return "";
    }
    if (length > MAX_NAME_BYTES) {
      throw malformed("a name of at most " + MAX_NAME_BYTES + " bytes");
    }
    if (!Arrays.equals(nameText, 0, nameText.length, text, at, end)) {
      name = new String(text, at, length, StandardCharsets.ISO_8859_1);
      nameText = name.getBytes(StandardCharsets.ISO_8859_1);
    }
    return name;
  }

  private ProcFormatException malformed(String expected) {
    int shown = Math.min(end, lineStart + 200);
    String line = new String(text, lineStart, shown - lineStart, StandardCharsets.ISO_8859_1);
    return new ProcFormatException("maps", expected + " at column " + (at - lineStart), line);
  }
}

package stasis.image;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import stasis.linux.abi.Bytes;

/// Hostile text made safe for a terminal and for JSON. Backslash becomes `\\`; control characters and bytes that are no
/// UTF-8 become `\xNN`, so that the original can be had back.
final class Printable {
  private Printable() {}

  static String quoted(String text) {
    return '"' + escaped(text).replace("\"", "\\\"") + '"';
  }

  static String escaped(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints().forEach(c -> {
      if (c == '\\') {
        out.append("\\\\");
      } else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
        out.append(String.format("\\x%02x", c));
      } else if (Character.getType(c) == Character.FORMAT || Character.getType(c) == Character.LINE_SEPARATOR
          || Character.getType(c) == Character.PARAGRAPH_SEPARATOR) {
        out.append(String.format("\\u{%x}", c));
      } else {
        out.appendCodePoint(c);
      }
    });
    return out.toString();
  }

  /// @param path bytes that are mostly UTF-8
  static String escaped(Bytes path) {
    try {
      return escaped(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(path.toArray())).toString());
    } catch (CharacterCodingException e) {
      StringBuilder out = new StringBuilder(path.length());
      for (int i = 0; i < path.length(); i++) {
        int unit = path.u8(i);
        if (unit == '\\') {
          out.append("\\\\");
        } else if (unit < 0x20 || unit >= 0x7f) {
          out.append(String.format("\\x%02x", unit));
        } else {
          out.append((char) unit);
        }
      }
      return out.toString();
    }
  }
}

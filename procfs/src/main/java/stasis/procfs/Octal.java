package stasis.procfs;

/// The escape of seq_file text: a backslash and three octal digits for one byte (fs/seq_file.c, mangle_path()).
final class Octal {
  private Octal() {}

  static String unescape(String text) {
    if (text.indexOf('\\') < 0) {
      return text;
    }
    var plain = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) == '\\' && i + 3 < text.length() && digits(text, i + 1)) {
        plain.append((char) Integer.parseInt(text, i + 1, i + 4, 8));
        i += 3;
      } else {
        plain.append(text.charAt(i));
      }
    }
    return plain.toString();
  }

  private static boolean digits(String text, int at) {
    return text.charAt(at) >= '0' && text.charAt(at) <= '3' && octal(text.charAt(at + 1)) && octal(text.charAt(at + 2));
  }

  private static boolean octal(char c) {
    return c >= '0' && c <= '7';
  }
}

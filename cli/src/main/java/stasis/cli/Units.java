package stasis.cli;

import java.util.Locale;

/// Numbers for people.
final class Units {
  private static final String[] BINARY = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

  private Units() {}

  static String bytes(long count) {
    int unit = 0;
    double value = count;
    while (value >= 1024 && unit < BINARY.length - 1) {
      value /= 1024;
      unit++;
    }
    return unit == 0 ? count + " B" : String.format(Locale.ROOT, "%.1f %s", value, BINARY[unit]);
  }

  static String duration(long ns) {
    if (ns < 10_000_000) {
      return String.format(Locale.ROOT, "%.2f ms", ns / 1e6);
    }
    if (ns < 1_000_000_000) {
      return String.format(Locale.ROOT, "%.0f ms", ns / 1e6);
    }
    return String.format(Locale.ROOT, "%.1f s", ns / 1e9);
  }

  static String count(long count, String noun) {
    return count + " " + noun + (count == 1 ? "" : "s");
  }
}

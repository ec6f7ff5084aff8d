package stasis.procfs;

import java.util.LinkedHashMap;
import java.util.Map;

/// `/proc/<pid>/fdinfo/<fd>`, keyed by the kernel's own field names (proc_pid_fdinfo(5)).
public record FdInfo(Map<String, String> fields) {
  public static FdInfo parse(CharSequence text) {
    var fields = new LinkedHashMap<String, String>();
    for (String line : text.toString().split("\n")) {
      int colon = line.indexOf(':');
      if (colon > 0) {
        fields.putIfAbsent(line.substring(0, colon), line.substring(colon + 1).strip());
      }
    }
    return new FdInfo(Map.copyOf(fields));
  }

  public long hex(String field) {
    return Long.parseUnsignedLong(required(field), 16);
  }

  public int octal(String field) {
    return Integer.parseInt(required(field), 8);
  }

  private String required(String field) {
    String value = fields.get(field);
    if (value == null) {
      throw new IllegalArgumentException("fdinfo has no '" + field + "': " + fields);
    }
    return value;
  }
}

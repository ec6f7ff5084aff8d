package stasis.procfs;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/// `/proc/PID/limits` (proc_pid_limits(5); fs/proc/base.c, lnames).
public record Limits(Map<Resource, Limit> byResource) {
  /// @param soft unsigned @param hard unsigned; [#INFINITY] prints as `unlimited`
  public record Limit(long soft, long hard) {
    /// RLIM_INFINITY of getrlimit(2).
    public static final long INFINITY = -1;
  }

  /// `RLIMIT_*` in the kernel's order, so that the ordinal is its number (uapi/asm-generic/resource.h).
  public enum Resource {
    CPU("Max cpu time"), FSIZE("Max file size"), DATA("Max data size"), STACK("Max stack size"),
    CORE("Max core file size"), RSS("Max resident set"), NPROC("Max processes"), NOFILE("Max open files"),
    MEMLOCK("Max locked memory"), AS("Max address space"), LOCKS("Max file locks"),
    SIGPENDING("Max pending signals"), MSGQUEUE("Max msgqueue size"), NICE("Max nice priority"),
    RTPRIO("Max realtime priority"), RTTIME("Max realtime timeout");

    private final String label;

    Resource(String label) {
      this.label = label;
    }
  }

  public Limits {
    byResource = Map.copyOf(byResource);
  }

  public static Limits parse(String text) {
    var limits = new EnumMap<Resource, Limit>(Resource.class);
    List<String> lines = new ArrayList<>(List.of(text.split("\n")));
    lines.removeFirst();
    for (String line : lines) {
      Resource resource = resource(line);
      String[] words = line.substring(resource.label.length()).strip().split("\\s+");
      if (words.length < 2) {
        throw new ProcFormatException("limits", "a soft and a hard limit", line);
      }
      limits.put(resource, new Limit(number(words[0]), number(words[1])));
    }
    return new Limits(limits);
  }

  private static Resource resource(String line) {
    for (Resource resource : Resource.values()) {
      if (line.startsWith(resource.label + " ")) {
        return resource;
      }
    }
    throw new ProcFormatException("limits", "a known limit", line);
  }

  private static long number(String word) {
    return word.equals("unlimited") ? Limit.INFINITY : Long.parseUnsignedLong(word);
  }

  public Limit of(Resource resource) {
    Limit limit = byResource.get(resource);
    if (limit == null) {
      throw new ProcFormatException("limits", resource.label, byResource.keySet().toString());
    }
    return limit;
  }
}

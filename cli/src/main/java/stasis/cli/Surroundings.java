package stasis.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/// What a process hands on to its children, or may do, and that its caller could have made otherwise: a command that
/// another process runs in its stead must find the same.
///
/// @param values by names for people
record Surroundings(Map<String, String> values) {
  private static final String[] NAMESPACES = {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time",
      "time_for_children", "user", "uts"};
  /// Read as they are; what cannot be read by either is no difference.
  private static final String[] FILES = {"cgroup", "oom_score_adj", "timerslack_ns", "loginuid", "sessionid",
      "personality", "attr/current"};
  /// Lines of /proc/PID/status, proc_pid_status(5).
  private static final Pattern STATUS = Pattern.compile("(Umask|Uid|Gid|Groups|Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp"
      + "|Seccomp_filters|Cpus_allowed|Mems_allowed|THP_enabled):.*");
  /// Fields of /proc/PID/stat behind the name, counted from 0: nice, rt_priority and policy, there called 19, 40 and 41
  /// (proc_pid_stat(5)).
  private static final int[] SCHEDULING = {16, 37, 38};

  private static final Pattern RIGHTS = Pattern.compile(".* namespace|root directory|Uid|Gid|Groups|Cap.*|NoNewPrivs"
      + "|Seccomp.*|personality|attr/current");

  Surroundings {
    values = Map.copyOf(values);
  }

  /// @param process its folder below /proc
  static Surroundings of(Path process) {
    Map<String, String> values = new TreeMap<>();
    for (String name : NAMESPACES) {
      values.put(name + " namespace", link(process.resolve("ns").resolve(name)));
    }
    values.put("root directory", link(process.resolve("root")));
    for (String name : FILES) {
      values.put(name, text(process.resolve(name)));
    }
    text(process.resolve("status")).lines().filter(line -> STATUS.matcher(line).matches()).forEach(line -> {
      int colon = line.indexOf(':');
      values.put(line.substring(0, colon), line.substring(colon + 1).strip());
    });
    text(process.resolve("limits")).lines().forEach(line -> limit(line, values));
    String stat = text(process.resolve("stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 1).strip().split(" ");
    for (int field : SCHEDULING) {
      values.put("scheduling " + field, field < fields.length ? fields[field] : "");
    }
    return new Surroundings(values);
  }

  /// Columns of 26, 21 and 21 (fs/proc/base.c, `proc_pid_limits()`).
  private static void limit(String line, Map<String, String> values) {
    String name = line.substring(0, Math.min(26, line.length())).strip();
    // A JVM raises its soft limit of open files to the hard one, whoever starts it.
    boolean soft = !name.equals("Max open files");
    values.put(name, line.length() < 47 ? line : (soft ? line.substring(26) : line.substring(47)).strip());
  }

  /// @return what differs first, by its name; empty where nothing does
  Optional<String> difference(Surroundings other) {
    TreeMap<String, String> all = new TreeMap<>(values);
    all.putAll(other.values);
    return all.keySet().stream().filter(name -> !values.getOrDefault(name, "").equals(
        other.values.getOrDefault(name, ""))).findFirst();
  }

  /// Those that tell what a process may do and sees, without what it only hands on to its children.
  Surroundings ofRights() {
    Map<String, String> rights = new TreeMap<>(values);
    rights.keySet().removeIf(name -> !RIGHTS.matcher(name).matches());
    return new Surroundings(rights);
  }

  private static String link(Path file) {
    try {
      return Files.readSymbolicLink(file).toString();
    } catch (IOException e) {
      return "";
    }
  }

  private static String text(Path file) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return "";
    }
  }
}

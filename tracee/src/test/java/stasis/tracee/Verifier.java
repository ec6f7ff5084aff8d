package stasis.tracee;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import stasis.linux.abi.Tid;

/// Whether a program is as it was before somebody traced it and died.
final class Verifier {
  private static final long PATIENCE_NS = 2_000_000_000L;

  private final Target target;
  private final boolean compareMaps;
  private final boolean copiesAreBuried;
  private final String before;

  /// @param copiesAreBuried false where a killed tracer may leave copies that have ended and told nobody
  Verifier(Target target, boolean compareMaps, boolean copiesAreBuried) {
    this.target = target;
    this.compareMaps = compareMaps;
    this.copiesAreBuried = copiesAreBuried;
    this.before = look();
  }

  /// All that must be as before; states and tracers must be of a running program.
  private String look() {
    var text = new StringBuilder();
    if (compareMaps) {
      text.append(target.text("maps"));
      text.append("fds ").append(descriptors().size()).append('\n');
      for (Tid tid : target.threads()) {
        text.append(tid).append(" SigBlk ").append(target.status(tid, "SigBlk")).append('\n');
      }
    }
    return text.toString();
  }

  /// A zombie whose exit signal, the 36th field behind the name (proc_pid_stat(5)), is 0.
  private static boolean isSilentlyEnded(Tid child) {
    String stat = TaskStatus.read(child, "stat").orElse("");
    String[] fields = stat.isEmpty() ? new String[0] : stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return fields.length == 0 || fields[0].equals("Z") && fields[35].equals("0");
  }

  private List<String> descriptors() {
    var links = new ArrayList<String>();
    String[] fds = Path.of("/proc/" + target.leader() + "/fd").toFile().list();
    for (String fd : fds == null ? new String[0] : fds) {
      try {
        links.add(Files.readSymbolicLink(Path.of("/proc/" + target.leader() + "/fd/" + fd)).toString());
      } catch (IOException e) {
        links.add("closed meanwhile");
      }
    }
    return links;
  }

  private Optional<String> wrong() {
    if (target.statField(3).isEmpty() || target.statField(3).equals("Z")) {
      return Optional.of("DEAD");
    }
    for (Tid tid : target.threads()) {
      String stat = target.text("task/" + tid + "/stat");
      String state = stat.isEmpty() ? "gone" : stat.substring(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
      if (state.equals("T") || state.equals("t")) {
        return Optional.of("thread " + tid + " is stopped");
      }
      if (!target.status(tid, "TracerPid").equals("0") && !stat.isEmpty()) {
        return Optional.of("thread " + tid + " is traced");
      }
      if (!copiesAreBuried && TaskStatus.children(tid).stream().anyMatch(child -> !isSilentlyEnded(child))
          || copiesAreBuried && !target.text("task/" + tid + "/children").isEmpty()) {
        return Optional.of("it has a child");
      }
    }
    if (descriptors().stream().anyMatch(link -> link.contains("memfd:errand"))) {
      return Optional.of("a descriptor of the errand is left");
    }
    String now = look();
    return now.equals(before) ? Optional.empty() : Optional.of(difference(now));
  }

  private String difference(String now) {
    var lines = new TreeMap<String, Integer>();
    before.lines().forEach(line -> lines.merge(line, -1, Integer::sum));
    now.lines().forEach(line -> lines.merge(line, 1, Integer::sum));
    lines.values().removeIf(count -> count == 0);
    return "differs: " + lines;
  }

  /// @return what is still wrong after two seconds; empty when all is well
  Optional<String> verify() {
    long end = System.nanoTime() + PATIENCE_NS;
    while (true) {
      Optional<String> wrong = wrong();
      if (wrong.isEmpty() || wrong.get().equals("DEAD") || System.nanoTime() > end) {
        return wrong;
      }
      java.util.concurrent.locks.LockSupport.parkNanos(200_000);
    }
  }
}

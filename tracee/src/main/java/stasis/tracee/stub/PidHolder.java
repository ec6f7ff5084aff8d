package stasis.tracee.stub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import stasis.tracee.Deadline;

/// Who has a process id that a birth wants. A number is taken while a task, a process group or a session has it
/// (kernel/pid.c, `free_pid()`).
///
/// @param pid the number wanted @param tid a task that holds it @param comm its name, cut at 15 bytes by the kernel
/// @param state R, S, D, T, t, Z, X or I as in proc_pid_stat(5) @param use how it holds the number
/// @param leaving whether the task is on its way out, so that waiting helps
public record PidHolder(int pid, int tid, String comm, char state, Use use, boolean leaving) {
  /// What a number is to its holder.
  public enum Use { TASK, PROCESS_GROUP, SESSION }

  private static final Path PROC = Path.of("/proc");
  private static final long PF_EXITING = 4;
  /// Field 31 of proc_pid_stat(5): a group that SIGKILL has ended has it pending until it next runs.
  private static final int PENDING = 28;
  private static final int SIGKILL = 9;
  private static final long RETRY_NS = 1_000_000;

  /// @param pid as the engine's /proc names it @return empty: nobody that we can see
  public static Optional<PidHolder> find(int pid) {
    Optional<PidHolder> task = parse(pid, read(PROC.resolve(pid + "/stat")));
    if (task.isPresent()) {
      return task;
    }
    try (DirectoryStream<Path> tasks = Files.newDirectoryStream(PROC, "[0-9]*")) {
      for (Path directory : tasks) {
        Optional<PidHolder> member = parse(pid, read(directory.resolve("stat")));
        if (member.isPresent()) {
          return member;
        }
      }
    } catch (IOException e) {
      return Optional.empty(); // without /proc nobody can be named
    }
    return Optional.empty();
  }

  /// Waits for a holder that is leaving: a zombie its parent has not yet reaped, a task in exit(2), one that SIGKILL was
  /// sent to.
  ///
  /// @return who still has the number, at once if that task has no mind to leave
  public static Optional<PidHolder> await(int pid, Deadline deadline) {
    while (true) {
      Optional<PidHolder> holder = find(pid);
      if (holder.isEmpty() || !holder.get().leaving() || deadline.passed()) {
        return holder;
      }
      LockSupport.parkNanos(RETRY_NS);
    }
  }

  /// Who has any of many numbers; waits for those who are leaving, and looks through all tasks once at the end.
  public static List<PidHolder> awaitAll(Collection<Integer> pids, Deadline deadline) {
    var holders = new ArrayList<PidHolder>();
    var wanted = new TreeSet<Integer>(pids);
    for (int pid : pids) {
      Optional<PidHolder> holder = parse(pid, read(PROC.resolve(pid + "/stat")));
      while (holder.isPresent() && holder.get().leaving() && !deadline.passed()) {
        LockSupport.parkNanos(RETRY_NS);
        holder = parse(pid, read(PROC.resolve(pid + "/stat")));
      }
      holder.ifPresent(holders::add);
      if (holder.isPresent()) {
        wanted.remove(pid);
      }
    }
    try (DirectoryStream<Path> tasks = Files.newDirectoryStream(PROC, "[0-9]*")) {
      for (Path directory : tasks) {
        String stat = read(directory.resolve("stat"));
        ids(stat).stream().filter(wanted::remove).forEach(pid -> parse(pid, stat).ifPresent(holders::add));
      }
    } catch (IOException e) {
      return holders; // without /proc nobody can be named
    }
    return holders;
  }

  /// Its process group and session.
  static List<Integer> ids(String stat) {
    int close = stat.lastIndexOf(')');
    if (close < 0) {
      return List.of();
    }
    String[] fields = stat.substring(close + 2).split(" ", 5);
    return List.of(Integer.parseInt(fields[2]), Integer.parseInt(fields[3]));
  }

  /// @param stat content of /proc/PID/stat; empty when there is no such task
  /// @return empty when that task does not hold `pid`
  static Optional<PidHolder> parse(int pid, String stat) {
    int open = stat.indexOf('(');
    int close = stat.lastIndexOf(')');
    if (open < 0 || close < 0) {
      return Optional.empty();
    }
    String[] fields = stat.substring(close + 2).split(" "); // from field 3, the state, on
    int tid = Integer.parseInt(stat.substring(0, open).strip());
    Use use;
    if (tid == pid) {
      use = Use.TASK;
    } else if (Integer.parseInt(fields[2]) == pid) {
      use = Use.PROCESS_GROUP;
    } else if (Integer.parseInt(fields[3]) == pid) {
      use = Use.SESSION;
    } else {
      return Optional.empty();
    }
    char state = fields[0].charAt(0);
    boolean killed = fields.length > PENDING && (Long.parseLong(fields[PENDING]) >>> SIGKILL - 1 & 1) != 0;
    boolean leaving = state == 'Z' || state == 'X' || killed || (Long.parseLong(fields[6]) & PF_EXITING) != 0;
    return Optional.of(new PidHolder(pid, tid, stat.substring(open + 1, close), state, use, leaving));
  }

  /// For a message: "4711 (sleep, S)", "process group of 4712 (cat, T)".
  public String describe() {
    String who = tid + " (" + comm + ", " + state + ")";
    return switch (use) {
      case TASK -> who;
      case PROCESS_GROUP -> "process group of " + who;
      case SESSION -> "session of " + who;
    };
  }

  static String read(Path file) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return ""; // gone in between
    }
  }
}

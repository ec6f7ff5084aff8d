package stasis.tracee;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// A program to be traced, killed and reaped at close. Not a `Process`: its reaper thread would take our stops.
record Target(Tid leader) implements AutoCloseable {
  static Target spawn(String... argv) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment arguments = call.allocate(ValueLayout.ADDRESS, argv.length + 1L);
      for (int i = 0; i < argv.length; i++) {
        arguments.setAtIndex(ValueLayout.ADDRESS, i, call.allocateFrom(argv[i]));
      }
      arguments.setAtIndex(ValueLayout.ADDRESS, argv.length, MemorySegment.NULL);
      MemorySegment environment = call.allocate(ValueLayout.ADDRESS, 2);
      environment.setAtIndex(ValueLayout.ADDRESS, 0, call.allocateFrom("PATH=/usr/bin:/bin"));
      long pid = Syscalls.spawn(call.allocateFrom(argv[0]), arguments, environment);
      if (pid <= 0) {
        throw new AssertionError("posix_spawn " + argv[0] + " gave " + pid);
      }
      return new Target(new Tid((int) pid));
    }
  }

  static Target sleeping() {
    Target target = spawn("/bin/sleep", "1000");
    target.until(() -> target.statField(3).equals("S") && target.text("wchan").contains("nanosleep"));
    return target;
  }

  @FunctionalInterface
  interface Condition {
    boolean holds();
  }

  void until(Condition condition) {
    long end = System.nanoTime() + 20_000_000_000L;
    while (!condition.holds()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("gave up waiting on " + leader);
      }
      try {
        Thread.sleep(1);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  /// A file below /proc/PID, or "" when it cannot be read.
  String text(String file) {
    try {
      return new String(Files.readAllBytes(Path.of("/proc/" + leader + "/" + file)),
          java.nio.charset.StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return "";
    }
  }

  /// Field of /proc/PID/stat by its number in proc_pid_stat(5), 3 and up.
  String statField(int number) {
    String stat = text("stat");
    String[] fields = stat.substring(stat.lastIndexOf(')') + 1).strip().split(" ");
    return fields.length > number - 3 ? fields[number - 3] : "";
  }

  String status(String field) {
    return status(leader, field);
  }

  String status(Tid tid, String field) {
    for (String line : text("task/" + tid + "/status").split("\n")) {
      if (line.startsWith(field + ":")) {
        return line.substring(field.length() + 1).strip();
      }
    }
    return "";
  }

  List<Tid> threads() {
    var tids = new ArrayList<Tid>();
    String[] names = Path.of("/proc/" + leader + "/task").toFile().list();
    for (String name : names == null ? new String[0] : names) {
      tids.add(new Tid(Integer.parseInt(name)));
    }
    tids.sort(null);
    return tids;
  }

  void signal(int signal) {
    Syscalls.call(Nr.KILL, leader.value(), signal);
  }

  @Override
  public void close() {
    signal(9);
    Syscalls.call(Nr.WAIT4, leader.value(), 0, 0x40000000L, 0);
  }
}

package stasis.tracee;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.Tid;

/// What /proc/PID/status (proc_pid_status(5)) tells of one thread that ptrace(2) does not. One read(2).
record TaskStatus(Map<String, String> fields) {
  /// @return empty when the task is gone
  static Optional<TaskStatus> of(Tid tid) {
    return read(tid, "status").map(TaskStatus::parse);
  }

  static TaskStatus parse(String text) {
    var fields = new HashMap<String, String>();
    for (String line : text.split("\n")) {
      int colon = line.indexOf(':');
      if (colon > 0) {
        fields.put(line.substring(0, colon), line.substring(colon + 1).strip());
      }
    }
    return new TaskStatus(Map.copyOf(fields));
  }

  /// A file below /proc/TID; empty when the task is gone or the file may not be read.
  static Optional<String> read(Tid tid, String file) {
    return bytes(tid, file).map(content -> new String(content.toArray(), StandardCharsets.ISO_8859_1));
  }

  static Optional<Bytes> bytes(Tid tid, String file) {
    try {
      return Optional.of(Bytes.of(Files.readAllBytes(Path.of("/proc/" + tid + "/" + file))));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /// The threads of a group, ascending; empty when it is gone.
  static List<Tid> threads(Tid group) {
    var tids = new ArrayList<Tid>();
    String[] names = Path.of("/proc/" + group + "/task").toFile().list();
    for (String name : names == null ? new String[0] : names) {
      tids.add(new Tid(Integer.parseInt(name)));
    }
    tids.sort(null);
    return tids;
  }

  String name() {
    return text("Name");
  }

  /// The letter of ps(1): R S D T t Z X I.
  char state() {
    return text("State").isEmpty() ? 'X' : text("State").charAt(0);
  }

  Tid group() {
    return new Tid(Integer.parseInt(text("Tgid")));
  }

  boolean dead() {
    return state() == 'Z' || state() == 'X';
  }

  Optional<Tid> tracer() {
    int pid = text("TracerPid").isEmpty() ? 0 : Integer.parseInt(text("TracerPid"));
    return pid == 0 ? Optional.empty() : Optional.of(new Tid(pid));
  }

  /// A mask by the file's name for it: SigPnd, ShdPnd, SigBlk, SigIgn, SigCgt.
  SigSet signals(String field) {
    return new SigSet(text(field).isEmpty() ? 0 : Long.parseUnsignedLong(text(field), 16));
  }

  /// 0 none, 1 strict, 2 filters; 0 where the kernel has no seccomp.
  int seccompMode() {
    return text("Seccomp").isEmpty() ? 0 : Integer.parseInt(text("Seccomp"));
  }

  boolean shadowStack() {
    return List.of(text("x86_Thread_features").split(" ")).contains("shstk");
  }

  /// The tid in the task's own pid namespace: the last of NSpid.
  int innermostTid() {
    return last("NSpid");
  }

  int innermostGroup() {
    return last("NStgid");
  }

  private int last(String field) {
    String[] all = text(field).split("\\s+");
    return Integer.parseInt(all[all.length - 1]);
  }

  private String text(String field) {
    return fields.getOrDefault(field, "");
  }
}

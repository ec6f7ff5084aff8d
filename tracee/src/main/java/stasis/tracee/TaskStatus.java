package stasis.tracee;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// What /proc/PID/status (proc_pid_status(5)) tells of one thread that ptrace(2) does not. One read(2).
///
/// @param text looked through for each field asked for: few of its sixty are
record TaskStatus(String text) {
  private static final int AT_FDCWD = -100;
  private static final int O_CLOEXEC = 0x80000;
  private static final int PIECE_BYTES = 8192;
  private static final String WORKER = "iou-";
  private static final long PF_IO_WORKER = 0x10;
  /// Counted from behind the name.
  private static final int FLAGS_FIELD = 6;

  /// @return empty when the task is gone
  static Optional<TaskStatus> of(Tid tid) {
    return read(tid, "status").map(TaskStatus::new);
  }

  /// A file below /proc/TID; empty when the task is gone or the file may not be read.
  static Optional<String> read(Tid tid, String file) {
    return bytes(tid, file).map(content -> new String(content.toArray(), StandardCharsets.ISO_8859_1));
  }

  /// By plain system calls: this is read inside the freeze, where a FileChannel costs more than the file.
  static Optional<Bytes> bytes(Tid tid, String file) {
    try (Arena call = Arena.ofConfined()) {
      long fd = Syscalls.call(Nr.OPENAT, AT_FDCWD, call.allocateFrom("/proc/" + tid + "/" + file).address(), O_CLOEXEC);
      if (Errno.isError(fd)) {
        return Optional.empty();
      }
      try {
        MemorySegment buffer = call.allocate(PIECE_BYTES);
        var all = new ByteArrayOutputStream();
        long got = Syscalls.call(Nr.READ, fd, buffer.address(), PIECE_BYTES);
        while (got > 0) {
          all.write(buffer.asSlice(0, got).toArray(ValueLayout.JAVA_BYTE), 0, (int) got);
          got = Syscalls.call(Nr.READ, fd, buffer.address(), PIECE_BYTES);
        }
        return got < 0 ? Optional.empty() : Optional.of(Bytes.of(all.toByteArray()));
      } finally {
        Syscalls.call(Nr.CLOSE, fd);
      }
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

  /// In fork order of each thread (/proc/PID/task/TID/children, proc_pid_children(5)): complete only while the parent is
  /// stopped.
  static List<Tid> children(Tid parent) {
    var children = new ArrayList<Tid>();
    for (Tid thread : threads(parent)) {
      String list = read(parent, "task/" + thread + "/children").orElse("").strip();
      for (String pid : list.isEmpty() ? new String[0] : list.split(" ")) {
        children.add(new Tid(Integer.parseInt(pid)));
      }
    }
    return children;
  }

  /// Whether a thread of a group is the kernel's own, which works off requests of an io_uring and has no program: it
  /// would be stopped like the others. Only a name that could be one's is looked at closer: of many threads.
  static boolean isWorker(Tid tid) {
    return read(tid, "comm").filter(name -> name.startsWith(WORKER)).flatMap(_ -> read(tid, "stat"))
        .filter(stat -> (flags(stat) & PF_IO_WORKER) != 0).isPresent();
  }

  /// The ninth field of proc_pid_stat(5); the second is a name in parentheses, which may have blanks.
  private static long flags(String stat) {
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", FLAGS_FIELD + 2);
    return fields.length > FLAGS_FIELD ? Long.parseLong(fields[FLAGS_FIELD]) : 0;
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

  /// Empty where it is in a pid namespace that ours does not see.
  Optional<Tid> parent() {
    return task("PPid");
  }

  boolean dead() {
    return state() == 'Z' || state() == 'X';
  }

  Optional<Tid> tracer() {
    return task("TracerPid");
  }

  private Optional<Tid> task(String field) {
    int pid = text(field).isEmpty() ? 0 : Integer.parseInt(text(field));
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
    int at = text.startsWith(field + ":") ? 0 : text.indexOf("\n" + field + ":") + 1;
    if (at == 0 && !text.startsWith(field)) {
      return "";
    }
    return text.substring(at + field.length() + 1, text.indexOf('\n', at)).strip();
  }
}

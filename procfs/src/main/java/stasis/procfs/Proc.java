package stasis.procfs;

import java.nio.file.Path;
import java.util.List;
import stasis.linux.abi.Tid;

/// The files of procfs below a root, which is `/proc` or a recording of it. Holds nothing open.
public final class Proc {
  private final Path root;
  private final ProcFile files;

  public Proc(Path root) {
    this.root = root;
    this.files = new ProcFile();
  }

  /// The running kernel's, of the reader's pid namespace.
  public static Proc live() {
    return new Proc(Path.of("/proc"));
  }

  /// `/proc/PID`. Works for any thread's tid too; then per-thread files are that thread's, but `stat` sums the group.
  public ProcTask task(Tid pid) {
    return new ProcTask(files, root.resolve(pid.toString()), pid);
  }

  /// The tasks of the namespace, one tgid per thread group, rising.
  public List<Tid> tgids() throws ProcException {
    return files.numbers(root, root).stream().map(Tid::new).toList();
  }

  /// Every lock of the system whose owner this reader may see.
  public Locks locks() throws ProcException {
    return Locks.parse(files.text(root, root.resolve("locks")));
  }

  /// The System V shared memory segments of the reader's IPC namespace; none where the kernel knows none.
  public List<ShmSegment> shmSegments() throws ProcException {
    try {
      return ShmSegment.parse(files.text(root, root.resolve("sysvipc").resolve("shm")));
    } catch (ProcAbsentException e) {
      return List.of();
    }
  }
}

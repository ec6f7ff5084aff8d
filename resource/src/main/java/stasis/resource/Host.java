package stasis.resource;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.procfs.ShmSegment;
import stasis.procfs.Status;

/// What a plan may depend on outside the statefile. Read-only and answered the same for the whole of one plan.
public interface Host {
  /// stat(2) without following a final symlink; empty when nothing is there.
  Optional<FileStat> file(PathBytes path);

  /// Whether a socket of this host's network namespace is bound to the socket file there.
  boolean isBound(PathBytes socketFile);

  /// Whether a socket of this host's network namespace can be bound to that address.
  ///
  /// @param socketAddress of ip(7) or ipv6(7), port 0
  boolean hasAddress(Bytes socketAddress);

  /// The System V shared memory segments of this host's IPC namespace.
  List<ShmSegment> shmSegments();

  /// Text of `/proc/sysvipc/<sort>`, `sem` or `msg`: the objects of this host's IPC namespace; empty where there are
  /// none.
  default String systemVIpc(String sort) {
    return "";
  }

  /// Whether this host's IPC namespace has a POSIX message queue of that name, without the slash.
  default boolean hasMessageQueue(String name) {
    return false;
  }

  /// Whether somebody has the pseudoterminal `/dev/pts/<number>` open.
  default boolean hasTerminal(int number) {
    return file(PathBytes.of("/dev/pts/" + number)).isPresent();
  }

  /// CRC32C (upper half) and CRC32 (lower half) of `lengthBytes` of the file from `offset`; empty when it cannot be
  /// read whole.
  Optional<Long> checksum(PathBytes path, long offset, long lengthBytes);

  /// SHA-256 of the code the kernel maps as vdso.
  Bytes vdsoDigest();

  /// The XCR0 feature bits this CPU and kernel offer to tasks.
  long xfeatures();

  /// Names of capabilities (`CAP_SYS_ADMIN`) a restored task's creator will have, in the initial user namespace.
  Set<String> capabilities();

  /// Whether a task can be given a program file that it has not executed (PR_SET_MM_MAP): with CAP_CHECKPOINT_RESTORE
  /// in its user namespace.
  default boolean setsProgram() {
    return true;
  }

  /// Hard limit on open files (RLIMIT_NOFILE) a restored task can be given.
  long maxOpenFiles();

  /// Text of `/proc/PID/<file>` of the task restored ones descend from, one char per byte: what they inherit. Empty
  /// where this kernel has no such file, or answers EINVAL for want of anything to say.
  Optional<String> inherited(String file);

  /// `/proc/PID/status` of the same task: who it is, and what it may do.
  default Optional<Status> restorer() {
    return inherited("status").map(Status::parse);
  }
}

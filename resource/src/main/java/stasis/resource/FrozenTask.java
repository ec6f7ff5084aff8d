package stasis.resource;

import stasis.image.ObjectId;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.procfs.FileStat;
import stasis.procfs.Stat;
import stasis.procfs.Status;

/// One stopped thread, as a kind may see it. Reads only; each is recorded and can be faked.
public interface FrozenTask {
  /// Its object in the statefile.
  ObjectId id();

  Tid tid();

  FrozenGroup group();

  /// `task 4711 (nginx)`: how messages name it.
  String subject();

  Status status();

  Stat stat();

  /// Text of `/proc/PID/task/TID/<file>`, one char per byte.
  ///
  /// @throws ObstructedException when the task is gone or the file cannot be read
  String proc(String file) throws ObstructedException;

  /// Target of `/proc/PID/task/TID/<name>` (`cwd`, `root`, `ns/net`), one char per byte.
  ///
  /// @throws ObstructedException when the task is gone or the link cannot be read
  String link(String name) throws ObstructedException;

  /// stat(2) through that link: it reaches what has no path any more.
  FileStat facts(String name) throws ObstructedException;

  /// A syscall of the engine's own about this task, without effect on it: sched_getattr(2), prlimit64(2),
  /// ioprio_get(2).
  Answer observe(Nr nr, Arg... args);
}

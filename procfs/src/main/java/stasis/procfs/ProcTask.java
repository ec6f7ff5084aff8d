package stasis.procfs;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.Tid;

/// The files of one task: `/proc/PID`, or `/proc/PID/task/TID`. Each method reads its file anew.
///
/// All throw [TaskGoneException] if the task ended, [ProcDeniedException] if it may not be looked at, and
/// [ProcAbsentException] if this file alone is missing.
public final class ProcTask {
  private final ProcFile files;
  private final Path directory;
  private final Tid tid;

  ProcTask(ProcFile files, Path directory, Tid tid) {
    this.files = files;
    this.directory = directory;
    this.tid = tid;
  }

  public Tid tid() {
    return tid;
  }

  /// A thread of this group, by `/proc/PID/task/TID`.
  public ProcTask thread(Tid thread) {
    return new ProcTask(files, directory.resolve("task").resolve(thread.toString()), thread);
  }

  /// The threads of the group, rising; only as many as were there while the directory was read.
  public List<Tid> threads() throws ProcException {
    return files.numbers(directory, directory.resolve("task")).stream().map(Tid::new).toList();
  }

  /// Children of this one thread (`children`; CONFIG_PROC_CHILDREN). Exact only while they and the thread are stopped.
  /// Read from a thread's directory: the group's has no such file.
  public List<Tid> children() throws ProcException {
    var children = new ArrayList<Tid>();
    for (String word : text("children").split(" ")) {
      if (!word.isBlank()) {
        children.add(new Tid(Integer.parseInt(word.strip())));
      }
    }
    return List.copyOf(children);
  }

  public Maps maps() throws ProcException {
    return Maps.parse(files.bytes(directory, directory.resolve("maps")));
  }

  public Smaps smaps() throws ProcException {
    return files.read(directory, directory.resolve("smaps"), Smaps::parse);
  }

  public NumaMaps numaMaps() throws ProcException {
    return NumaMaps.parse(text("numa_maps"));
  }

  /// See [NumaMaps#policies].
  public Map<Long, String> numaPolicies() throws ProcException {
    return NumaMaps.policies(text("numa_maps"));
  }

  public Status status() throws ProcException {
    return Status.parse(text("status"));
  }

  public Stat stat() throws ProcException {
    return Stat.parse(text("stat"));
  }

  public Sched sched() throws ProcException {
    return Sched.parse(text("sched"));
  }

  public Limits limits() throws ProcException {
    return Limits.parse(text("limits"));
  }

  public Timers timers() throws ProcException {
    return Timers.parse(text("timers"));
  }

  public MountInfo mountInfo() throws ProcException {
    return MountInfo.parse(text("mountinfo"));
  }

  public Cgroup cgroup() throws ProcException {
    return Cgroup.parse(text("cgroup"));
  }

  /// Before Linux 6.16 that of a task whose memory is gone reads as nothing, later as ESRCH (fs/proc/base.c, auxv_open()).
  public Auxv auxv() throws ProcException {
    Bytes words = bytes("auxv");
    if (words.isEmpty()) {
      throw new TaskGoneException(directory.resolve("auxv"));
    }
    return Auxv.parse(words);
  }

  /// comm without the newline the kernel adds; it may itself hold newlines.
  public Bytes comm() throws ProcException {
    Bytes line = bytes("comm");
    return line.isEmpty() ? line : line.slice(0, line.length() - 1);
  }

  public Namespaces namespaces() throws ProcException {
    Path ns = directory.resolve("ns");
    var targets = new TreeMap<String, String>();
    for (String name : files.names(directory, ns)) {
      targets.put(name, files.link(directory, ns.resolve(name)).latin1());
    }
    return Namespaces.parse(targets);
  }

  public PathBytes exe() throws ProcException {
    return link("exe");
  }

  public PathBytes cwd() throws ProcException {
    return link("cwd");
  }

  public PathBytes root() throws ProcException {
    return link("root");
  }

  /// The open descriptors, rising.
  public List<Fd> fds() throws ProcException {
    return files.numbers(directory, directory.resolve("fd")).stream().map(Fd::new).toList();
  }

  /// Link text and stat; the stat reaches deleted and nameless files too, and may block on a dead network file system.
  public FdLink fdLink(Fd fd) throws ProcException {
    Path link = directory.resolve("fd").resolve(fd.toString());
    return new FdLink(files.link(directory, link), files.stat(directory, link));
  }

  public FdInfo fdInfo(Fd fd) throws ProcException {
    return FdInfo.parse(files.text(directory, directory.resolve("fdinfo").resolve(fd.toString())));
  }

  /// The file behind a vma without doubt about its name: link and stat of `map_files/START-END` (needs CAP_SYS_ADMIN or
  /// CAP_CHECKPOINT_RESTORE in the first user namespace for the stat; fs/proc/base.c, proc_map_files_get_link()).
  public FdLink mapFile(Vma vma) throws ProcException {
    Path link = directory.resolve("map_files")
        .resolve(Long.toHexString(vma.start()) + "-" + Long.toHexString(vma.end()));
    return new FdLink(files.link(directory, link), files.stat(directory, link));
  }

  /// stat(2) through a link of this directory: `exe`, `cwd`, `root`.
  public FileStat linkStat(String name) throws ProcException {
    return files.stat(directory, directory.resolve(name));
  }

  public int oomScoreAdj() throws ProcException {
    return Integer.parseInt(text("oom_score_adj").strip());
  }

  /// 0 for a real-time task. Needs CAP_SYS_NICE or the own task (fs/proc/base.c, timerslack_ns_show()).
  public long timerSlackNs() throws ProcException {
    return Long.parseUnsignedLong(text("timerslack_ns").strip());
  }

  /// Bits of core(5), "Controlling which mappings are written to the core dump".
  public int coredumpFilter() throws ProcException {
    return Integer.parseUnsignedInt(text("coredump_filter").strip(), 16);
  }

  /// Of personality(2).
  public int personality() throws ProcException {
    return Integer.parseUnsignedInt(text("personality").strip(), 16);
  }

  /// Any other file, one char per byte.
  public String text(String name) throws ProcException {
    return files.text(directory, directory.resolve(name));
  }

  /// Any other file.
  public Bytes bytes(String name) throws ProcException {
    return Bytes.of(files.bytes(directory, directory.resolve(name)));
  }

  /// Target of any other link of this directory: `ns/net`.
  public PathBytes link(String name) throws ProcException {
    return files.link(directory, directory.resolve(name));
  }
}

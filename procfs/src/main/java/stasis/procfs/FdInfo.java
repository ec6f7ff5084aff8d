package stasis.procfs;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// `/proc/PID/fdinfo/FD` (proc_pid_fdinfo(5)), by the kernel's own field names. Some lines repeat: `tfd:` of an epoll,
/// `inotify wd:` of an inotify, `lock:` of any file.
public record FdInfo(Fields fields) {
  /// O_CLOEXEC as it stands in [#flags]: a property of the fd, not of the file (fs/proc/fd.c, seq_show()).
  public static final int O_CLOEXEC = 0x80000;

  /// One watched file of an epoll (fs/eventpoll.c, ep_show_fdinfo()). `fd` is the number under which it was added; by
  /// now another file may stand there, or none.
  public record EpollTarget(int fd, int events, long data, long position, long inode, Device device) {}

  /// One watch of an inotify (fs/notify/fdinfo.c). Its file is known by handle only.
  public record InotifyWatch(int wd, long inode, Device device, int mask, int handleType, String handleHex) {}

  public static FdInfo parse(CharSequence text) {
    return new FdInfo(Fields.parse(text.toString()));
  }

  /// The offset of the open file description, bytes.
  public long pos() {
    return fields.decimal("pos");
  }

  /// Access mode and status flags as open(2) has them, and [#O_CLOEXEC].
  public int flags() {
    return (int) fields.octal("flags");
  }

  public boolean closeOnExec() {
    return (flags() & O_CLOEXEC) != 0;
  }

  public int mntId() {
    return (int) fields.decimal("mnt_id");
  }

  public long ino() {
    return fields.decimal("ino");
  }

  public long hex(String field) {
    return fields.hex(field);
  }

  public int octal(String field) {
    return (int) fields.octal(field);
  }

  public long decimal(String field) {
    return fields.decimal(field);
  }

  /// A line such as `it_value: (3, 999)` of a timerfd: seconds and nanoseconds.
  public Duration time(String field) {
    String text = fields.required(field);
    int comma = text.indexOf(", ");
    if (!text.startsWith("(") || !text.endsWith(")") || comma < 0) {
      throw new ProcFormatException("fdinfo", "(seconds, nanoseconds) at " + field, text);
    }
    return Duration.ofSeconds(Long.parseLong(text.substring(1, comma)),
        Long.parseLong(text.substring(comma + 2, text.length() - 1)));
  }

  /// In the kernel's order, which is by address of the file and fd.
  public List<EpollTarget> epollTargets() {
    var targets = new ArrayList<EpollTarget>();
    for (String line : fields.all("tfd")) {
      Fields one = Fields.inline("tfd", line);
      targets.add(new EpollTarget((int) one.decimal("tfd"), (int) one.hex("events"), one.hex("data"),
          one.decimal("pos"), one.hex("ino"), Device.ofKernel(one.hex("sdev"))));
    }
    return List.copyOf(targets);
  }

  public List<InotifyWatch> inotifyWatches() {
    var watches = new ArrayList<InotifyWatch>();
    for (String line : fields.all("inotify wd")) {
      Fields one = Fields.inline("wd", line);
      watches.add(new InotifyWatch((int) one.hex("wd"), one.hex("ino"), Device.ofKernel(one.hex("sdev")),
          (int) one.hex("mask"), one.has("fhandle-type") ? (int) one.hex("fhandle-type") : 0,
          one.first("f_handle").orElse("")));
    }
    return List.copyOf(watches);
  }

  /// @param flags of fanotify_init(2) @param eventFlags of the files that its events carry
  public record FanotifyGroup(int flags, int eventFlags) {}

  /// @param inode of a mark on a file @param mount its id, of a mark on a mount @param device of one on a file system
  /// @param flags of fanotify_mark(2) that it keeps @param text as the kernel prints it
  public record FanotifyMark(Optional<InotifyWatch> inode, Optional<Integer> mount, Optional<Device> device, int flags,
      long mask, long ignored, String text) {}

  public FanotifyGroup fanotifyGroup() {
    Fields one = Fields.inline("flags", fields.required("fanotify flags"));
    return new FanotifyGroup((int) one.hex("flags"), (int) one.hex("event-flags"));
  }

  public List<FanotifyMark> fanotifyMarks() {
    var marks = new ArrayList<FanotifyMark>();
    for (String line : fields.all("fanotify ino")) {
      Fields one = Fields.inline("ino", line);
      marks.add(mark(one, Optional.of(new InotifyWatch(0, one.hex("ino"), Device.ofKernel(one.hex("sdev")), 0,
          one.has("fhandle-type") ? (int) one.hex("fhandle-type") : 0, one.first("f_handle").orElse(""))),
          Optional.empty(), Optional.empty(), line));
    }
    for (String line : fields.all("fanotify mnt_id")) {
      Fields one = Fields.inline("mnt_id", line);
      marks.add(mark(one, Optional.empty(), Optional.of((int) one.hex("mnt_id")), Optional.empty(), line));
    }
    for (String line : fields.all("fanotify sdev")) {
      Fields one = Fields.inline("sdev", line);
      marks.add(mark(one, Optional.empty(), Optional.empty(), Optional.of(Device.ofKernel(one.hex("sdev"))), line));
    }
    return List.copyOf(marks);
  }

  private static FanotifyMark mark(Fields one, Optional<InotifyWatch> inode, Optional<Integer> mount,
      Optional<Device> device, String text) {
    return new FanotifyMark(inode, mount, device, (int) one.hex("mflags"), one.hex("mask"), one.hex("ignored_mask"),
        text);
  }

  /// Locks held through this open file description or, for POSIX locks, by the task on this file.
  public List<Locks.Lock> locks() {
    return fields.all("lock").stream().map(Locks.Lock::parse).toList();
  }
}

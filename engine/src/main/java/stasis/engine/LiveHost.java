package stasis.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.probe.PidRights;
import stasis.linux.socket.UnixDiag;
import stasis.linux.sys.Self;
import stasis.linux.sys.Syscalls;
import stasis.procfs.FileStat;
import stasis.procfs.Limits;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.procfs.ShmSegment;
import stasis.procfs.Status;
import stasis.procfs.Vma;
import stasis.resource.Host;
import stasis.resource.VdsoImage;
import stasis.tracee.RemoteMemory;

/// This host as a plan sees it; each fact is read once, so one plan sees one host.
final class LiveHost implements Host {
  private static final String[] CAPABILITIES = {"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER",
      "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE",
      "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
      "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN",
      "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD",
      "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN",
      "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
      "CAP_CHECKPOINT_RESTORE"};

  private static final int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;

  private record Range(PathBytes path, long offset, long lengthBytes) {}

  private final Map<PathBytes, Optional<FileStat>> files = new HashMap<>();
  private final Map<Range, Optional<Long>> checksums = new HashMap<>();
  /// Asked for each thread anew.
  private final Map<String, Optional<String>> inherited = new HashMap<>();
  private Optional<Status> restorer = Optional.empty();
  private final Map<String, String> systemVIpc = new HashMap<>();
  private final Map<String, Boolean> messageQueues = new HashMap<>();
  private final ProcTask own;
  private final List<ShmSegment> shmSegments;
  private final Set<String> capabilities;
  private final PidRights rights;
  private final Place place;
  private final Rehearsal learnt;
  private final long maxOpenFiles;

  private LiveHost(ProcTask own, List<ShmSegment> shmSegments, Set<String> capabilities, PidRights rights,
      Place place, Rehearsal learnt, long maxOpenFiles) {
    this.own = own;
    this.shmSegments = shmSegments;
    this.capabilities = capabilities;
    this.rights = rights;
    this.place = place;
    this.learnt = learnt;
    this.maxOpenFiles = maxOpenFiles;
  }

  static LiveHost look(Proc proc, Rehearsal learnt) throws ProcException, SyscallException {
    return look(proc, learnt, Place.ANY);
  }

  /// @param learnt what stays as it is until the machine is started again @param place where a tree is to be restored
  static LiveHost look(Proc proc, Rehearsal learnt, Place place) throws ProcException, SyscallException {
    ProcTask own = proc.task(Self.pid());
    long effective = own.status().capabilities().effective();
    Set<String> names = new TreeSet<>();
    for (int bit = 0; bit < CAPABILITIES.length; bit++) {
      if ((effective >>> bit & 1) != 0) {
        names.add(CAPABILITIES[bit]);
      }
    }
    PidRights rights = PidRights.look();
    if (!rights.chooses()) {
      // Of a user namespace that owns nothing here.
      names.removeAll(Restorer.CHOOSING);
    }
    return new LiveHost(own, proc.shmSegments(), names, rights, place, learnt,
        GroupPlan.require(own.limits().byResource(), Limits.Resource.NOFILE).hard());
  }

  /// As [stasis.resource.Host#vdsoDigest]: each process has the same one.
  static Bytes ownVdso(Proc proc) throws ProcException, SyscallException {
    Tid self = Self.pid();
    Optional<Vma> vdso = proc.task(self).maps().special("[vdso]");
    return vdso.isEmpty() ? Bytes.zeros(32) : VdsoImage.digest(
        new RemoteMemory(self).read(vdso.get().address(), Math.toIntExact(vdso.get().lengthBytes())));
  }

  @Override
  public Optional<FileStat> file(PathBytes path) {
    return files.computeIfAbsent(path, HostFiles::stat);
  }

  /// sock_diag(7) shows the low half of an inode number; where it may not be asked, a file may be anybody's.
  @Override
  public boolean isBound(PathBytes socketFile) {
    return file(socketFile).map(found -> found.inode() & 0xffffffffL).map(boundTo()::contains).orElse(false);
  }

  /// Asked the kernel itself: a socket is bound to it.
  @Override
  public boolean hasAddress(Bytes socketAddress) {
    long socket = Syscalls.call(Nr.SOCKET, socketAddress.u16(0), SOCK_DGRAM_CLOEXEC, 0);
    if (Errno.isError(socket)) {
      return false;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment address = arena.allocateFrom(ValueLayout.JAVA_BYTE, socketAddress.toArray());
      return !Errno.isError(Syscalls.call(Nr.BIND, socket, address.address(), socketAddress.length()));
    } finally {
      Syscalls.call(Nr.CLOSE, socket);
    }
  }

  private Set<Long> boundTo() {
    try {
      return UnixDiag.all().stream().flatMap(row -> row.fileInode().stream())
          .collect(java.util.stream.Collectors.toSet());
    } catch (SyscallException e) {
      return Set.of();
    }
  }

  @Override
  public List<ShmSegment> shmSegments() {
    return shmSegments;
  }

  @Override
  public String systemVIpc(String sort) {
    return systemVIpc.computeIfAbsent(sort, LiveHost::table);
  }

  /// Asked the kernel itself: nothing else lists them without a mount.
  @Override
  public boolean hasMessageQueue(String name) {
    return messageQueues.computeIfAbsent(name, LiveHost::opens);
  }

  private static boolean opens(String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocateFrom(ValueLayout.JAVA_BYTE, PathBytes.of(name).cString().toArray());
      long queue = Syscalls.call(Nr.MQ_OPEN, text.address(), 0, 0, 0);
      if (!Errno.isError(queue)) {
        Syscalls.call(Nr.CLOSE, queue);
      }
      return queue != -Errno.ENOENT.number();
    }
  }

  private static String table(String sort) {
    try {
      return Files.readString(Path.of("/proc/sysvipc/" + sort), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return "";
    }
  }

  @Override
  public Optional<Long> checksum(PathBytes path, long offset, long lengthBytes) {
    return checksums.computeIfAbsent(new Range(path, offset, lengthBytes),
        range -> HostFiles.checksum(path, offset, lengthBytes));
  }

  @Override
  public Optional<String> inherited(String file) {
    return inherited.computeIfAbsent(file, this::read);
  }

  /// Asked for each thread, too.
  @Override
  public Optional<Status> restorer() {
    if (restorer.isEmpty()) {
      restorer = Host.super.restorer();
    }
    return restorer;
  }

  private Optional<String> read(String file) {
    try {
      return Optional.of(own.text(file));
    } catch (ProcException e) {
      return Optional.empty();
    }
  }

  @Override
  public Bytes vdsoDigest() {
    return learnt.vdsoDigest();
  }

  @Override
  public long xfeatures() {
    return learnt.xfeatures();
  }

  @Override
  public Set<String> capabilities() {
    return capabilities;
  }

  Rehearsal learnt() {
    return learnt;
  }

  /// Whether a tree has to be born here although no pid can be chosen: it is asked for, or no namespace can be made.
  boolean takesOver() {
    return switch (place) {
      case OWN_NAMESPACE -> false;
      case HERE -> !rights.chooses();
      case ANY -> !rights.chooses() && !rights.namespaces();
    };
  }

  @Override
  public boolean setsProgram() {
    return !takesOver();
  }

  Place place() {
    return place;
  }

  @Override
  public long maxOpenFiles() {
    return maxOpenFiles;
  }
}

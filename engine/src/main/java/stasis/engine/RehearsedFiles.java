package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;
import stasis.tracee.stub.Stub;

/// What every program has and a bare stub lacks: a device and a regular file, open and mapped, so that what describes
/// those is warm before a program stands still.
final class RehearsedFiles implements AutoCloseable {
  private static final int AT_FDCWD = -100;
  private static final int READ_ONLY_CLOEXEC = 0x80000;
  private static final int PROT_READ = 1;
  private static final int PROT_READ_WRITE = 3;
  private static final int PROT_READ_EXECUTE = 5;
  private static final int PROT_ALL = 7;
  private static final int MAP_SHARED = 0x1;
  private static final int MAP_PRIVATE = 0x2;
  private static final int MAP_ANONYMOUS = 0x20;
  private static final int MAP_GROWSDOWN = 0x100;
  private static final int MAP_NORESERVE = 0x4000;
  private static final int MAP_POPULATE = 0x8000;
  private static final int MAP_STACK = 0x20000;
  private static final int MAP_FIXED_NOREPLACE = 0x100000;
  private static final int PAGE_BYTES = 4096;
  /// Behind each other there is a page: stacks keep a distance, and neighbours would become one.
  private static final int EVERY_BYTES = 2 * PAGE_BYTES;

  private static final int AS_IT_IS = -1;

  /// @param protection at first @param then what mprotect(2) makes of it
  private record Kind(int protection, int flags, int then) {}

  /// What programs are made of: what each looks like to the kernel is learnt by them ([LearntFlags]).
  private static final List<Kind> KINDS = List.of(
      new Kind(PROT_READ, MAP_PRIVATE, AS_IT_IS), new Kind(PROT_READ, MAP_SHARED, AS_IT_IS),
      new Kind(PROT_READ_EXECUTE, MAP_PRIVATE, AS_IT_IS), new Kind(PROT_READ_WRITE, MAP_PRIVATE, AS_IT_IS),
      new Kind(PROT_READ_WRITE, MAP_PRIVATE, PROT_READ),
      new Kind(PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, AS_IT_IS),
      new Kind(PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, AS_IT_IS),
      new Kind(PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, PROT_READ),
      new Kind(PROT_ALL, MAP_PRIVATE | MAP_ANONYMOUS, AS_IT_IS), new Kind(0, MAP_PRIVATE | MAP_ANONYMOUS, AS_IT_IS),
      new Kind(0, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, AS_IT_IS),
      new Kind(PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, AS_IT_IS),
      new Kind(PROT_ALL, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, AS_IT_IS),
      new Kind(PROT_READ_WRITE, MAP_SHARED | MAP_ANONYMOUS, AS_IT_IS),
      new Kind(PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, 0), // untouched it is not accounted for then
      new Kind(0, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, AS_IT_IS),
      new Kind(PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, AS_IT_IS),
      new Kind(PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, AS_IT_IS));

  private final List<Fd> fds;

  private RehearsedFiles(List<Fd> fds) {
    this.fds = fds;
  }

  /// What of it can be opened here: our own executable is a file that is always there.
  static RehearsedFiles open() {
    List<Fd> fds = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      for (String path : new String[] {"/proc/self/exe", "/dev/null"}) {
        MemorySegment text = arena.allocateFrom(path, StandardCharsets.US_ASCII);
        long fd = Syscalls.call(Nr.OPENAT, AT_FDCWD, text.address(), READ_ONLY_CLOEXEC, 0);
        if (!Errno.isError(fd)) {
          fds.add(new Fd((int) fd));
        }
      }
    }
    return new RehearsedFiles(fds);
  }

  List<Fd> fds() {
    return List.copyOf(fds);
  }

  /// Maps the first of them, and memory, into a stub that has inherited it. That some may be refused is no concern.
  ///
  /// @param free 64 pages and more
  void mapInto(Stub stub, RemoteAddress free) throws SyscallException {
    long at = free.bits();
    for (Kind kind : KINDS) {
      boolean file = (kind.flags() & MAP_ANONYMOUS) == 0;
      if (!file || !fds.isEmpty()) {
        at += EVERY_BYTES;
        stub.call(Nr.MMAP, at, PAGE_BYTES, kind.protection(), kind.flags() | MAP_FIXED_NOREPLACE,
            file ? fds.getFirst().value() : -1, 0);
        if (kind.then() != AS_IT_IS) {
          stub.call(Nr.MPROTECT, at, PAGE_BYTES, kind.then());
        }
      }
    }
  }

  /// Ours; a description that we held too would be one that the stub shares with a stranger.
  @Override
  public void close() {
    fds.forEach(fd -> Syscalls.call(Nr.CLOSE, fd.value()));
  }
}

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
  private static final int MAP_SHARED_FIXED_NOREPLACE = 0x1 | 0x100000;
  private static final int MAP_PRIVATE_FIXED_NOREPLACE = 0x2 | 0x100000;
  private static final int PAGE_BYTES = 4096;

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

  /// Maps the first of them into a stub that has inherited it. That it may be refused is no concern.
  ///
  /// @param free two pages
  void mapInto(Stub stub, RemoteAddress free) throws SyscallException {
    if (!fds.isEmpty()) {
      int file = fds.getFirst().value();
      stub.call(Nr.MMAP, free.bits(), PAGE_BYTES, PROT_READ, MAP_PRIVATE_FIXED_NOREPLACE, file, 0);
      stub.call(Nr.MMAP, free.bits() + PAGE_BYTES, PAGE_BYTES, PROT_READ, MAP_SHARED_FIXED_NOREPLACE, file, 0);
    }
  }

  /// Ours; a description that we held too would be one that the stub shares with a stranger.
  @Override
  public void close() {
    fds.forEach(fd -> Syscalls.call(Nr.CLOSE, fd.value()));
  }
}

package stasis.tracee.stub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;

/// A stub executes a program and is a stub again before the program's first instruction: that is how a task comes to
/// have an executable without CAP_CHECKPOINT_RESTORE, which PR_SET_MM_MAP needs for that (kernel/sys.c,
/// `prctl_set_mm_map()`).
///
/// The kernel's part of the way runs whole: close-on-exec, signal actions, comm, dumpable are as execve(2) leaves them.
/// Of the program nothing runs: the tracer has the task at the exit of that call.
final class TakeOver {
  private static final int PIECE_BYTES = 64 << 10;
  private static final int PROT_RWX = 7;
  private static final int MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE = 0x2 | 0x20 | 0x100000;
  private static final int HEX = 16;

  private final Stub stub;

  TakeOver(Stub stub) {
    this.stub = stub;
  }

  /// One line of /proc/PID/maps.
  private record Mapping(long start, long end, boolean executable, boolean readable, String name) {
    static Mapping of(String line) {
      String[] words = line.split(" +", 6);
      int dash = words[0].indexOf('-');
      return new Mapping(Long.parseUnsignedLong(words[0].substring(0, dash), HEX),
          Long.parseUnsignedLong(words[0].substring(dash + 1), HEX), words[1].charAt(2) == 'x',
          words[1].charAt(0) == 'r', words.length > 5 ? words[5] : "");
    }
  }

  /// @throws SyscallException what execve(2) says; ESRCH where it found too late that the program cannot be executed
  void run(PathBytes program) throws SyscallException {
    execute(program);
    List<Mapping> mappings = mappings();
    RemoteAddress gadget = gadget(mappings);
    Region region = stub.region();
    long start = region.code().bits();
    long bytes = region.area().bits() - start + region.areaBytes();
    for (Mapping mapping : mappings) {
      if (mapping.start() >= 0 && mapping.start() < start + bytes && mapping.end() > start) {
        require(stub.callAt(gadget, Nr.MUNMAP, mapping.start(), mapping.end() - mapping.start()), Nr.MUNMAP,
            "make room in a program that was executed");
      }
    }
    require(stub.callAt(gadget, Nr.MMAP, start, bytes, PROT_RWX, MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE, -1, 0),
        Nr.MMAP, "map our region in a program that was executed");
    stub.memory().write(region.code(), StubCode.plain());
  }

  private void execute(PathBytes program) throws SyscallException {
    RemoteAddress at = stub.region().area();
    Bytes path = program.cString();
    RemoteAddress argv = at.plus((path.length() + 63) & -64);
    stub.memory().write(at, path);
    // argv and envp: the path, and nothing. All of it is thrown away.
    stub.memory().write(argv, Bytes.ofU64(at.bits(), 0, 0));
    long result = stub.call(Nr.EXECVE, at.bits(), argv.bits(), argv.plus(16).bits());
    require(result, Nr.EXECVE, "execute " + program + " to take it over");
  }

  private static void require(long result, Nr nr, String what) throws SyscallException {
    if (Errno.isError(result)) {
      throw new SyscallException(nr, Errno.of(result), what);
    }
  }

  private List<Mapping> mappings() throws SyscallException {
    try {
      return Files.readAllLines(Path.of("/proc/" + stub.tid() + "/maps"), StandardCharsets.ISO_8859_1).stream()
          .map(Mapping::of).toList();
    } catch (IOException e) {
      throw new SyscallException(Nr.OPENAT, Errno.EACCES, "look at the memory of " + stub.tid()
          + " after it has executed its program; may its file be read?");
    }
  }

  /// Of the vdso, or, where there is none, of the dynamic linker or the program.
  private RemoteAddress gadget(List<Mapping> mappings) throws SyscallException {
    var code = new ArrayList<>(mappings.stream().filter(mapping -> mapping.executable() && mapping.readable()
        && mapping.start() >= 0).toList());
    code.sort(Comparator.comparing(mapping -> !mapping.name().equals("[vdso]")));
    for (Mapping mapping : code) {
      for (long at = mapping.start(); at < mapping.end(); at += PIECE_BYTES) {
        Bytes piece = stub.memory().read(new RemoteAddress(at),
            Math.toIntExact(Math.min(PIECE_BYTES, mapping.end() - at)));
        for (int i = 0; i + 1 < piece.length(); i++) {
          if (piece.u8(i) == 0x0f && piece.u8(i + 1) == 0x05) {
            return new RemoteAddress(at + i);
          }
        }
      }
    }
    throw new SyscallException(Nr.EXECVE, Errno.ENOEXEC, "find a syscall instruction in the program of " + stub.tid());
  }
}

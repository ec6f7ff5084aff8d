package stasis.engine;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;
import stasis.tracee.stub.Batch;
import stasis.tracee.stub.Expect;
import stasis.tracee.stub.Operand;

/// What a root stub inherits: the statefile, and the restorer's standard input, output and error, at consecutive
/// numbers above every fd of the tree. Until the stub has them, they lie above those numbers on both sides.
final class StubFiles implements AutoCloseable {
  /// How many of the engine's own descriptions follow the statefile.
  static final int STDIO = 3;
  private static final int AT_FDCWD = -100;
  private static final int O_RDWR_CLOEXEC = 0x80002;
  private static final int F_DUPFD_CLOEXEC = 1030;

  private final int imageFd;
  private final List<Fd> inherited;

  private StubFiles(int imageFd, List<Fd> inherited) {
    this.imageFd = imageFd;
    this.inherited = List.copyOf(inherited);
  }

  /// @param number 0, 1 or 2 @return where a root stub has it
  static Fd stdio(int imageFd, int number) {
    return new Fd(imageFd + 1 + number);
  }

  static StubFiles open(Path image, int imageFd, Stead stead) throws SyscallException {
    int above = imageFd + 1 + STDIO;
    var opened = new ArrayList<Fd>();
    try {
      Fd file = open(image);
      try {
        opened.add(lift(file, above, "statefile"));
      } finally {
        Syscalls.call(Nr.CLOSE, file.value());
      }
      for (Fd stdio : stead.stdio()) {
        opened.add(stdioOrNull(stdio.value(), above));
      }
      return new StubFiles(imageFd, opened);
    } catch (SyscallException e) {
      opened.forEach(fd -> Syscalls.call(Nr.CLOSE, fd.value()));
      throw e;
    }
  }

  private static Fd stdioOrNull(int number, int above) throws SyscallException {
    long copy = Syscalls.call(Nr.FCNTL, number, F_DUPFD_CLOEXEC, above);
    if (!Errno.isError(copy)) {
      return new Fd((int) copy);
    }
    try (Arena arena = Arena.ofConfined()) {
      Fd none = new Fd((int) Syscalls.require("open /dev/null", Nr.OPENAT, AT_FDCWD,
          arena.allocateFrom("/dev/null").address(), O_RDWR_CLOEXEC));
      try {
        return lift(none, above, "/dev/null");
      } finally {
        Syscalls.call(Nr.CLOSE, none.value());
      }
    }
  }

  private static Fd lift(Fd low, int above, String what) throws SyscallException {
    return new Fd((int) Syscalls.require("keep " + what + " at a high number", Nr.FCNTL, low.value(), F_DUPFD_CLOEXEC,
        above));
  }

  private static Fd open(Path file) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      return new Fd(Math.toIntExact(Syscalls.require("open " + file, Nr.OPENAT, -100,
          arena.allocateFrom(file.toAbsolutePath().toString()).address(), 0x80000, 0)));
    }
  }

  List<Fd> inherited() {
    return inherited;
  }

  /// Appends the calls that bring them to their numbers in the stub.
  void place(Batch batch) {
    for (int i = 0; i < inherited.size(); i++) {
      int at = imageFd + i;
      batch.call(Nr.DUP3, Expect.exactly(at), Operand.imm(inherited.get(i).value()), Operand.imm(at), Operand.imm(0));
      batch.call(Nr.CLOSE, Operand.imm(inherited.get(i).value()));
    }
  }

  @Override
  public void close() {
    inherited.forEach(fd -> Syscalls.call(Nr.CLOSE, fd.value()));
  }
}

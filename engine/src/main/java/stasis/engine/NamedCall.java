package stasis.engine;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.sys.Syscalls;
import stasis.resource.Arg;
import stasis.resource.Step;
import stasis.tracee.stub.Batch;
import stasis.tracee.stub.Expect;
import stasis.tracee.stub.Operand;

/// A call of a restore that makes, changes or deletes what has a name on the host, or enters it: made through no
/// symbolic link. What is on the way is opened by openat2(2) with RESOLVE_NO_SYMLINKS, and the call made relative to
/// it: whoever owns a folder can exchange it at any moment.
///
/// @param path absolute @param at index of the argument that is the path
record NamedCall(Step.Call call, String path, int at) {
  /// Its folder is held, and it by its name in there.
  private static final long FOLDER = 010000000 | 0200000 | Open.O_CLOEXEC;
  /// It is held itself; a link in its place is none (O_PATH without O_NOFOLLOW).
  private static final long ITSELF = 010000000 | Open.O_CLOEXEC;
  private static final long RESOLVE_NO_SYMLINKS = 4;
  private static final long NO_FILE = -1;
  /// Links of the kernel's own.
  private static final String KERNELS = "/proc/";

  /// Of a call that has an absolute path, and must succeed.
  static Optional<NamedCall> of(Step.Call call) {
    Optional<Integer> at = switch (call.nr()) {
      case MKNODAT, MKDIRAT, UNLINKAT, FCHMODAT, FCHOWNAT -> relative(call, 0).map(folder -> folder + 1);
      case SYMLINKAT -> relative(call, 1).map(folder -> folder + 1);
      case CHDIR -> Optional.of(0);
      default -> Optional.empty();
    };
    return at.filter(_ -> call.expect() instanceof Step.Expect.Success)
        .flatMap(index -> path(call.args().get(index)).map(path -> new NamedCall(call, path, index)));
  }

  private static Optional<Integer> relative(Step.Call call, int folder) {
    return Optional.of(folder).filter(index -> call.args().get(index).equals(Arg.imm(Open.AT_FDCWD)));
  }

  private static Optional<String> path(Arg arg) {
    return arg instanceof Arg.Data(Bytes text) && !text.isEmpty() ? Optional.of(
        new String(text.toArray(), 0, text.length() - 1, StandardCharsets.ISO_8859_1))
        .filter(path -> path.startsWith("/") && path.length() > 1 && !path.startsWith(KERNELS)) : Optional.empty();
  }

  /// Adds it, and what holds its way open meanwhile.
  ///
  /// @return the entry of the call itself
  int addTo(CallBatch to, Batch batch, Expect expect, Operand[] operands) {
    return switch (call.nr()) {
      case CHDIR -> held(to, batch, path, FOLDER, fd -> batch.call(Nr.FCHDIR, expect, fd));
      case FCHOWNAT -> held(to, batch, path, ITSELF, fd -> batch.call(Nr.FCHOWNAT, expect, fd, empty(batch),
          operands[at + 1], operands[at + 2], Operand.imm(Open.AT_EMPTY_PATH)));
      case FCHMODAT -> changesModeOfHeld()
          ? held(to, batch, path, ITSELF, fd -> batch.call(Nr.FCHMODAT2, expect, fd, empty(batch), operands[at + 1],
              Operand.imm(Open.AT_EMPTY_PATH)))
          : inFolder(to, batch, expect, operands);
      default -> inFolder(to, batch, expect, operands);
    };
  }

  private int inFolder(CallBatch to, Batch batch, Expect expect, Operand[] operands) {
    String name = path.substring(path.lastIndexOf('/') + 1);
    String folder = path.substring(0, Math.max(1, path.length() - name.length() - 1));
    return held(to, batch, folder, FOLDER, fd -> {
      Operand[] relative = operands.clone();
      relative[at - 1] = fd;
      relative[at] = batch.data(text(name)).address();
      return batch.call(call.nr(), expect, relative);
    });
  }

  /// fchmodat2(2) is there since Linux 6.6; without it the last step may still be a link.
  private static boolean changesModeOfHeld() {
    return Syscalls.call(Nr.FCHMODAT2, NO_FILE, 0, 0, 0) != -Errno.ENOSYS.number();
  }

  private interface Made {
    int by(Operand fd);
  }

  private int held(CallBatch to, Batch batch, String what, long flags, Made made) {
    Bytes how = Bytes.ofU64(flags, 0, RESOLVE_NO_SYMLINKS);
    int opened = to.addOwn(call.why() + ", through no symbolic link", Nr.OPENAT2, Operand.imm(Open.AT_FDCWD),
        batch.data(text(what)).address(), batch.data(how).address(), Operand.imm(how.length()));
    int entry = made.by(Operand.result(opened));
    to.addOwn(call.why(), Nr.CLOSE, Operand.result(opened));
    return entry;
  }

  private static Operand empty(Batch batch) {
    return batch.data(text("")).address();
  }

  private static Bytes text(String text) {
    return Bytes.of((text + "\0").getBytes(StandardCharsets.ISO_8859_1));
  }
}

package stasis.resource;

import java.util.List;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.RemoteAddress;

/// One argument of a syscall that will run in some task, now (a [Question]) or at restore (a [Step.Call]).
public sealed interface Arg {
  /// A number known now.
  record Imm(long value) implements Arg {}

  /// What an earlier step's call returned.
  record Result(Ref<?> of) implements Arg {}

  /// Part of what an earlier step's call wrote into its [Space] or [Data] argument.
  ///
  /// @param argument index of that argument @param offset byte offset in it @param width 4 or 8 bytes, little-endian
  record Output(Ref<?> of, int argument, int offset, int width) implements Arg {
    public Output {
      if (width != 4 && width != 8) {
        throw new IllegalArgumentException("width must be 4 or 8, was " + width);
      }
    }
  }

  /// Bytes placed in the task's scratch memory for the length of the call; the argument is their address. The call may
  /// write into them.
  record Data(Bytes value) implements Arg {}

  /// Data with parts that are known only when the program runs: results, outputs, or addresses of other data.
  record Struct(Bytes template, List<Patch> patches) implements Arg {
    public Struct {
      patches = List.copyOf(patches);
    }
  }

  /// @param offset where in the struct @param width 4 or 8 bytes @param value what goes there
  record Patch(int offset, int width, Arg value) {}

  /// Zeroed scratch memory for the call to write into; the argument is its address.
  record Space(int lengthBytes) implements Arg {}

  /// The engine's own copy of the file being described, in [OpenFile#ask] only.
  record Self() implements Arg {}

  static Arg imm(long value) {
    return new Imm(value);
  }

  static Arg address(RemoteAddress value) {
    return new Imm(value.bits());
  }

  static Arg result(Ref<?> of) {
    return new Result(of);
  }

  static Arg output(Ref<?> of, int argument, int offset, int width) {
    return new Output(of, argument, offset, width);
  }

  static Arg data(Bytes value) {
    return new Data(value);
  }

  static Arg path(PathBytes path) {
    return new Data(path.cString());
  }

  static Arg string(String latin1) {
    return new Data(Bytes.cString(latin1));
  }

  static Arg space(int lengthBytes) {
    return new Space(lengthBytes);
  }

  static Arg self() {
    return new Self();
  }
}

package stasis.tracee;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.RemoteAddress;

/// A list of calls laid out for the parachute's runner: from `base` on the calls, then what their arguments point to.
/// Undoing calls stand apart, at the end of the scratch mapping, and outlive the batch.
final class Batch {
  private static final int ALIGN = 16;

  private final RemoteAddress base;
  private final List<RemoteCall> calls;
  private final List<List<Placed>> outputs = new ArrayList<>();
  private final ByteBuffer image;

  /// A piece of memory of one argument, by its offset from `base`.
  private record Placed(int offset, int lengthBytes) {}

  /// An undoing call and where it stands.
  record Undo(RemoteAddress at, Bytes image) {}

  private final List<Undo> undos = new ArrayList<>();

  /// @param undoTop where earlier undos start, or the end of the scratch mapping: new ones go below
  /// @param undoHead the first earlier undo, or address 0
  Batch(List<RemoteCall> calls, Optional<Bell> bell, RemoteAddress base, RemoteAddress undoTop,
      RemoteAddress undoHead) {
    this.calls = calls;
    this.base = base;
    this.image = ByteBuffer.allocate(lengthBytes(calls)).order(ByteOrder.LITTLE_ENDIAN);
    RemoteAddress top = undoTop;
    RemoteAddress head = undoHead;
    int blobs = (calls.size() + 1) * ParachuteCode.CALL_BYTES;
    for (int i = 0; i < calls.size(); i++) {
      RemoteCall call = calls.get(i);
      int at = i * ParachuteCode.CALL_BYTES;
      image.putLong(at + ParachuteCode.NUMBER, call.nr().on(Arch.X86_64));
      blobs = placeArguments(call, at, blobs);
      RemoteAddress copy = base.plus(at + ParachuteCode.RESULT);
      if (call.undo() == RemoteCall.Undo.CLOSE) {
        top = top.plus(-ParachuteCode.CALL_BYTES);
        undos.add(new Undo(top, close(top, head)));
        head = top;
        copy = top.plus(ParachuteCode.ARGUMENTS);
      }
      image.putLong(at + ParachuteCode.COPY, copy.bits());
    }
    if (bell.isPresent()) {
      image.put(calls.size() * ParachuteCode.CALL_BYTES, bell.get().call().toArray());
      image.putLong(calls.size() * ParachuteCode.CALL_BYTES + ParachuteCode.COPY,
          bellAt().bits() + ParachuteCode.RESULT);
    }
    int length = calls.size() + (bell.isPresent() ? 1 : 0);
    for (int i = 0; i < length; i++) {
      long next = i + 1 < length ? base.bits() + (i + 1L) * ParachuteCode.CALL_BYTES : head.bits();
      image.putLong(i * ParachuteCode.CALL_BYTES + ParachuteCode.NEXT, next);
    }
  }

  /// Room for the calls, a bell, and what they point to, without undos.
  static int lengthBytes(List<RemoteCall> calls) {
    int length = (calls.size() + 1) * ParachuteCode.CALL_BYTES;
    for (RemoteCall call : calls) {
      for (RemoteArg argument : call.arguments()) {
        length = Math.addExact(length, up(pointed(argument)));
      }
    }
    return length;
  }

  static int undoBytes(List<RemoteCall> calls) {
    return (int) calls.stream().filter(call -> call.undo() != RemoteCall.Undo.NOTHING).count()
        * ParachuteCode.CALL_BYTES;
  }

  /// close(-1) until the call it undoes has stored its result there: a failed open then closes nothing.
  private static Bytes close(RemoteAddress at, RemoteAddress next) {
    return Bytes.zeros(ParachuteCode.CALL_BYTES).withU64(ParachuteCode.NEXT, next.bits())
        .withU64(ParachuteCode.NUMBER, stasis.linux.abi.Nr.CLOSE.on(Arch.X86_64))
        .withU64(ParachuteCode.ARGUMENTS, -1)
        .withU64(ParachuteCode.COPY, at.bits() + ParachuteCode.RESULT);
  }

  private int placeArguments(RemoteCall call, int at, int firstFree) {
    int free = firstFree;
    var placed = new ArrayList<Placed>();
    for (int i = 0; i < call.arguments().size(); i++) {
      RemoteArg argument = call.arguments().get(i);
      long value = switch (argument) {
        case RemoteArg.Imm imm -> imm.value();
        case RemoteArg.In in -> put(free, in.content());
        case RemoteArg.InOut inOut -> put(free, inOut.content());
        case RemoteArg.Out _ -> base.bits() + free;
      };
      if (argument instanceof RemoteArg.InOut || argument instanceof RemoteArg.Out) {
        placed.add(new Placed(free, pointed(argument)));
      }
      image.putLong(at + ParachuteCode.ARGUMENTS + 8 * i, value);
      free += up(pointed(argument));
    }
    outputs.add(List.copyOf(placed));
    return free;
  }

  private long put(int offset, Bytes content) {
    image.put(offset, content.toArray());
    return base.bits() + offset;
  }

  private static int pointed(RemoteArg argument) {
    return switch (argument) {
      case RemoteArg.Imm _ -> 0;
      case RemoteArg.In in -> in.content().length();
      case RemoteArg.InOut inOut -> inOut.content().length();
      case RemoteArg.Out out -> out.sizeBytes();
    };
  }

  private static int up(int length) {
    return Math.addExact(length, ALIGN - 1) & -ALIGN;
  }

  RemoteAddress bellAt() {
    return base.plus((long) calls.size() * ParachuteCode.CALL_BYTES);
  }

  /// Where the result of the last call is stored.
  int lastResult() {
    return (calls.size() - 1) * ParachuteCode.CALL_BYTES + ParachuteCode.RESULT;
  }

  Bytes image() {
    return Bytes.of(image.array());
  }

  List<Undo> undos() {
    return List.copyOf(undos);
  }

  /// @param after the memory from `base` on when all calls have returned and their results are stored
  List<CallResult> results(Bytes after) {
    var results = new ArrayList<CallResult>();
    for (int i = 0; i < calls.size(); i++) {
      long value = after.u64(i * ParachuteCode.CALL_BYTES + ParachuteCode.RESULT);
      results.add(Errno.isError(value) ? new CallResult.Failed(Errno.of(value)) : new CallResult.Returned(value,
          outputs.get(i).stream().map(piece -> after.slice(piece.offset, piece.lengthBytes)).toList()));
    }
    return List.copyOf(results);
  }
}

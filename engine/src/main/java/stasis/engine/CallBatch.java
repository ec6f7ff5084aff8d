package stasis.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Arg;
import stasis.resource.Step;
import stasis.tracee.stub.Batch;
import stasis.tracee.stub.Expect;
import stasis.tracee.stub.Operand;
import stasis.tracee.stub.Results;
import stasis.tracee.stub.Slot;

/// Calls of one task that run in one stop. An argument that is the result of a call of the same batch is handed over
/// inside the task; anything older is a number by now.
final class CallBatch {
  /// A call and where its result and outputs will be.
  private record Added(int step, Step.Call call, int entry, Map<Integer, Slot> outputs) {}

  private final Batch batch = new Batch();
  private final Values values;
  private final Map<Integer, Added> byStep = new HashMap<>();
  private final Map<Integer, String> why = new HashMap<>();
  private final List<Added> added = new ArrayList<>();

  CallBatch(Values values) {
    this.values = values;
  }

  boolean isEmpty() {
    return batch.size() == 0;
  }

  Batch batch() {
    return batch;
  }

  /// @param keep indexes of arguments whose contents later steps read
  void add(int step, Step.Call call, java.util.Set<Integer> keep) {
    Map<Integer, Slot> outputs = new HashMap<>();
    Operand[] operands = new Operand[call.args().size()];
    for (int i = 0; i < operands.length; i++) {
      operands[i] = operand(call.args().get(i), i, keep.contains(i), outputs);
    }
    Expect expect = switch (call.expect()) {
      case Step.Expect.Success(), Step.Expect.SuccessByGivenName() -> Expect.SUCCESS;
      case Step.Expect.Exactly(long value) -> Expect.exactly(value);
      case Step.Expect.OrErrno _ -> Expect.ANY;
    };
    int entry = RecordedPath.of(call).map(path -> batch.call(Nr.OPENAT2, expect, operands[0], operands[1],
        batch.data(path.how()).address(), Operand.imm(path.how().length())))
        .or(() -> NamedCall.of(call).map(named -> named.addTo(this, batch, expect, operands)))
        .orElseGet(() -> batch.call(call.nr(), expect, operands));
    Added one = new Added(step, call, entry, outputs);
    added.add(one);
    byStep.put(step, one);
    why.put(entry, call.why());
  }

  /// A call of the executor's own, part of `step`.
  void add(String reason, Expect expect, Nr nr, Operand... operands) {
    why.put(batch.call(nr, expect, operands), reason);
  }

  /// As above, of one that must succeed. @return its entry
  int addOwn(String reason, Nr nr, Operand... operands) {
    int entry = batch.call(nr, Expect.SUCCESS, operands);
    why.put(entry, reason);
    return entry;
  }

  /// What an earlier step returned, in this batch or before it.
  Operand result(stasis.resource.Ref<?> of) {
    return operand(new Arg.Result(of), -1, false, new HashMap<>());
  }

  Slot data(Bytes content) {
    return batch.data(content);
  }

  private Operand operand(Arg arg, int index, boolean kept, Map<Integer, Slot> outputs) {
    return switch (arg) {
      case Arg.Imm(long value) -> Operand.imm(value);
      case Arg.Result(var of) -> {
        Added earlier = byStep.get(of.step());
        yield earlier != null ? Operand.result(earlier.entry()) : Operand.imm(values.result(of.step()));
      }
      case Arg.Output(var of, int argument, int offset, int width) -> {
        Added earlier = byStep.get(of.step());
        if (earlier == null) {
          yield Operand.imm(values.output(of.step(), argument, offset, width));
        }
        Slot slot = GroupPlan.require(earlier.outputs(), argument);
        yield width == 8 ? Operand.load64(slot, offset) : Operand.loadSigned32(slot, offset);
      }
      case Arg.Data(Bytes value) -> {
        Slot slot = kept ? batch.exchange(value) : batch.data(value);
        if (kept) {
          outputs.put(index, slot);
        }
        yield slot.address();
      }
      case Arg.Space(int lengthBytes) -> {
        Slot slot = batch.space(lengthBytes);
        outputs.put(index, slot);
        yield slot.address();
      }
      case Arg.Struct struct -> {
        Slot slot = struct(struct);
        if (kept) {
          outputs.put(index, slot);
        }
        yield slot.address();
      }
      case Arg.Self() -> throw new IllegalStateException("self has no meaning in a program");
    };
  }

  private Slot struct(Arg.Struct struct) {
    Bytes content = struct.template();
    for (Arg.Patch patch : struct.patches()) {
      if (patch.value() instanceof Arg.Imm(long value)) {
        content = patch.width() == 8 ? content.withU64(patch.offset(), value)
            : content.withU32(patch.offset(), (int) value);
      }
    }
    Slot slot = batch.exchange(content);
    for (Arg.Patch patch : struct.patches()) {
      switch (patch.value()) {
        case Arg.Imm _ -> { }
        case Arg.Data(Bytes value) -> batch.point(slot, patch.offset(), batch.data(value), 0);
        case Arg.Space(int lengthBytes) -> batch.point(slot, patch.offset(), batch.space(lengthBytes), 0);
        case Arg.Struct inner -> batch.point(slot, patch.offset(), struct(inner), 0);
        case Arg.Result _, Arg.Output _ ->
            batch.patch(slot, patch.offset(), operand(patch.value(), -1, false, new HashMap<>()), patch.width());
        case Arg.Self() -> throw new IllegalStateException("self has no meaning in a program");
      }
    }
    return slot;
  }

  /// Records what every call answered.
  ///
  /// @throws StepFailedException when one answered an errno it must not
  void finish(Results results) throws StepFailedException {
    for (Added one : added) {
      long value = results.of(one.entry());
      if (one.call().expect() instanceof Step.Expect.OrErrno(var tolerated) && Errno.isError(value)
          && !tolerated.contains(Errno.of(value))) {
        throw new StepFailedException(one.step(), one.call(), value);
      }
      values.result(one.step(), value);
      one.outputs().forEach((argument, slot) -> values.output(one.step(), argument, results.of(slot)));
    }
  }

  /// The failure of the entry at `index`.
  StepFailedException failure(int index, long result) {
    for (Added one : added) {
      if (one.entry() == index) {
        return new StepFailedException(one.step(), one.call(), result);
      }
    }
    return new StepFailedException(why.getOrDefault(index, "entry " + index), result);
  }
}

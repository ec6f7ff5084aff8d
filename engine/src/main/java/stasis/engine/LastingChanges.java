package stasis.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.Lasting;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OwnCall;
import stasis.resource.Quiet;
import stasis.tracee.stub.Batch;
import stasis.tracee.stub.Keeper;
import stasis.tracee.stub.KeeperFd;
import stasis.tracee.stub.Operand;
import stasis.tracee.stub.Slot;
import stasis.tracee.stub.UndoId;

/// Changes to the program's own files that would outlive the engine. Each is known to a keeper before it is made; the
/// keeper is started with the first.
final class LastingChanges implements AutoCloseable {
  private static final int SIGKILL = 9;

  private final Map<OwnCopy, KeeperFd> held = new HashMap<>();
  private Optional<Keeper> keeper = Optional.empty();
  private final List<Quieted> quieted = new ArrayList<>();
  private final List<Muting> mutings = new ArrayList<>();
  private Optional<UndoId> promised = Optional.empty();
  private boolean muted;
  private boolean muting;

  private record Quieted(OwnCopy copy, String subject, Quiet quiet) {}

  private record Muting(OwnCopy copy, List<OwnCall> calls) {}

  private Keeper keeper() throws SyscallException {
    if (keeper.isEmpty()) {
      keeper = Optional.of(Keeper.start());
    }
    return keeper.get();
  }

  Lasting begin(OwnCopy copy, String subject, List<OwnCall> undo) throws ObstructedException {
    try {
      UndoId id = promise(copy, undo);
      return () -> {
        copy.make(undo);
        withdraw(id);
      };
    } catch (SyscallException e) {
      throw new ObstructedException(subject, e, "");
    }
  }

  private void withdraw(UndoId id) {
    try {
      keeper().withdraw(id);
    } catch (SyscallException e) {
      // What is undone twice is undone.
    }
  }

  private UndoId promise(OwnCopy copy, List<OwnCall> undo) throws SyscallException {
    KeeperFd file = held.get(copy);
    if (file == null) {
      file = keeper().hold(new Fd(copy.fd()));
      held.put(copy, file);
    }
    Batch batch = new Batch();
    add(undo, file, batch);
    return keeper().undo(batch);
  }

  private static void add(List<OwnCall> calls, KeeperFd file, Batch batch) {
    int first = batch.size();
    for (OwnCall call : calls) {
      Operand[] operands = new Operand[call.args().size()];
      for (int i = 0; i < operands.length; i++) {
        operands[i] = operand(call.args().get(i), file, batch, first);
      }
      batch.call(call.nr(), operands);
    }
  }

  void add(OwnCopy copy, String subject, Quiet quiet) {
    quieted.add(new Quieted(copy, subject, quiet));
  }

  /// Keeps others off all that were added, with one promise of the keeper for all.
  ///
  /// @return what stands in the way
  List<Obstacle> quiet() {
    var obstacles = new ArrayList<Obstacle>();
    try {
      holdQuieted();
    } catch (SyscallException e) {
      quieted.clear();
      return List.of(new Obstacle.Unsupported("open files", String.valueOf(e.getMessage()), ""));
    }
    for (Quieted one : quieted) {
      Answer answer = one.copy().make(one.quiet().calls());
      if (answer.failed()) {
        obstacles.add(new Obstacle.Unsupported(one.subject(), "others cannot be kept from changing it: "
            + Errno.of(answer.result()), "run with CAP_NET_ADMIN, and the program without SO_LOCK_FILTER"));
      }
    }
    return obstacles;
  }

  private void holdQuieted() throws SyscallException {
    if (quieted.isEmpty()) {
      return;
    }
    List<KeeperFd> files = keeper().hold(quieted.stream().map(one -> new Fd(one.copy().fd())).toList());
    Batch batch = new Batch();
    for (int i = 0; i < files.size(); i++) {
      held.put(quieted.get(i).copy(), files.get(i));
      add(quieted.get(i).quiet().undo(), files.get(i), batch);
      add(quieted.get(i).quiet().unmute(), files.get(i), batch);
    }
    for (List<OwnCall> last : last()) {
      add(last, files.getFirst(), batch);
    }
    promised = Optional.of(keeper().undo(batch));
  }

  /// Others may change the files again: the program is about to run on.
  void release() {
    for (Quieted one : quieted) {
      one.copy().make(one.quiet().undo());
      if (muting) {
        one.copy().make(one.quiet().unmute());
      }
    }
    last().forEach(OwnCopy::makeOwn);
    quieted.clear();
    promised.ifPresent(this::withdraw);
    promised = Optional.empty();
  }

  private Set<List<OwnCall>> last() {
    return quieted.stream().map(one -> one.quiet().last()).collect(Collectors.toCollection(LinkedHashSet::new));
  }

  void mutedBy(OwnCopy copy, List<OwnCall> calls) {
    if (!calls.isEmpty()) {
      mutings.add(new Muting(copy, calls));
    }
  }

  private static Operand operand(Arg arg, KeeperFd file, Batch batch, int first) {
    return switch (arg) {
      case Arg.Imm(long value) -> Operand.imm(value);
      case Arg.Data(Bytes value) -> batch.data(value).address();
      case Arg.Self() -> file.operand();
      case Arg.Struct(Bytes template, var patches) -> struct(template, patches, batch);
      case Arg.Result(var of) -> Operand.result(first + of.step());
      case Arg.Output _, Arg.Space _ ->
          throw new IllegalArgumentException("no argument of an undo: " + arg);
    };
  }

  private static Operand struct(Bytes template, List<Arg.Patch> patches, Batch batch) {
    Bytes content = template;
    for (Arg.Patch patch : patches) {
      if (patch.value() instanceof Arg.Imm(long value)) {
        content = patch.width() == 8 ? content.withU64(patch.offset(), value)
            : content.withU32(patch.offset(), (int) value);
      }
    }
    Slot slot = batch.exchange(content);
    for (Arg.Patch patch : patches) {
      if (patch.value() instanceof Arg.Data(Bytes value)) {
        batch.point(slot, patch.offset(), batch.data(value), 0);
      }
    }
    return slot.address();
  }

  /// Keeps the end of the tree from those outside. From here on it ends, by us or by the keeper.
  void mute(List<Tid> leaders) throws SyscallException {
    if (!mutings.isEmpty()) {
      muted = true;
      muting = true;
      for (Muting one : mutings) {
        Answer answer = one.copy().make(one.calls());
        if (answer.failed()) {
          // Closing takes back what was done so far.
          muted = false;
          throw new SyscallException(Nr.SETSOCKOPT, Errno.of(answer.result()), "keep the end from a peer");
        }
      }
      endInstead(leaders);
    }
  }

  /// From one moment to the next the keeper's promise is no longer to undo but to end the program: it can die with the
  /// engine, but it cannot live on muted.
  private void endInstead(List<Tid> leaders) throws SyscallException {
    Batch batch = new Batch();
    for (Tid leader : leaders) {
      long pidfd = Syscalls.require("open a pidfd of task " + leader, Nr.PIDFD_OPEN, leader.value(), 0);
      try {
        batch.call(Nr.PIDFD_SEND_SIGNAL, keeper().hold(new Fd((int) pidfd)).operand(), Operand.imm(SIGKILL),
            Operand.imm(0), Operand.imm(0));
      } finally {
        Syscalls.call(Nr.CLOSE, pidfd);
      }
    }
    keeper().undoOnly(batch);
    promised = Optional.empty();
  }

  /// The program has ended: what was muted for that stays so.
  void ended() {
    muted = false;
    quieted.clear();
    promised = Optional.empty();
  }

  /// Lets go of all. A program that was muted but did not end is the keeper's to deal with.
  @Override
  public void close() {
    if (!muted) {
      release();
    }
    if (keeper.isPresent()) {
      try {
        if (muted) {
          keeper.get().leave();
        } else {
          keeper.get().close();
        }
      } catch (SyscallException e) {
        // It holds the files open a little longer.
      }
      keeper = Optional.empty();
      held.clear();
    }
  }
}

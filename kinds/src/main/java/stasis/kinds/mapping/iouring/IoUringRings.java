package stasis.kinds.mapping.iouring;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.procfs.Maps;
import stasis.procfs.Vma;
import stasis.resource.Arg;
import stasis.resource.HiddenRing;
import stasis.resource.Loss;
import stasis.resource.Mapping;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// The mapped rings of an io_uring at rest, or its submission entries. The kernel counts what it has taken and completed
/// where no call reaches, and the program counts along: so as many requests to do nothing are made again (85 to 150 ns
/// each), and then the memory is laid back as it was. mmap(2) and mremap(2) take no address for it: where it lies is
/// chosen by leaving no other place.
public final class IoUringRings implements MappingKind<IoUringRings.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.iouring", 1);
  private static final String NAME = "anon_inode:[io_uring]";
  private static final long ENTRIES_OFFSET = 0x10000000L;
  private static final int SETUP_R_DISABLED = 1 << 6;
  private static final int SETUP_SQE128 = 1 << 10;
  private static final int SETUP_CQE32 = 1 << 11;
  private static final int SETUP_SINGLE_ISSUER = 1 << 12;
  private static final int REGISTER_ENABLE_RINGS = 12;
  private static final int ENTRY_BYTES = 64;
  private static final int COMPLETION_BYTES = 16;
  private static final int COMPLETIONS_AT = 64;
  /// Where an entry has its flags, and IOSQE_CQE_SKIP_SUCCESS among them.
  private static final int SQE_FLAGS_AT = 1;
  private static final int CQE_SKIP_SUCCESS = 1 << 6;
  private static final int ALL = Mman.PROT_READ | Mman.PROT_WRITE;
  /// Requests that a restore makes to count up: some seconds.
  private static final int REQUESTS_MAX = 1 << 26;

  /// @param ring the file @param replay in the last of its mappings in address order
  record State(@Tag(1) ObjectId ring, @Tag(2) Optional<Replay> replay) {}

  /// @param rings and @param entries where those are mapped @param counters where they lie in the rings
  /// @param taken requests @param completed of them, with a completion @param unseen of those, not yet taken by the
  ///     program
  /// @param atOnce how many the ring takes at once @param entryBytes of each entry
  /// @param enable whether the first thread is to be the only one that may use it
  /// @param ringContent and @param entryContent what those hold
  record Replay(@Tag(1) RemoteAddress rings, @Tag(2) RemoteAddress entries, @Tag(3) Counters counters,
      @Tag(4) int taken, @Tag(5) int completed, @Tag(6) int unseen, @Tag(7) int atOnce, @Tag(8) int entryBytes,
      @Tag(9) boolean enable, @Tag(10) Bytes ringContent, @Tag(11) Bytes entryContent) {
    Replay {
      if (atOnce <= 0 || entryBytes <= 0 || completed < 0 || unseen < 0 || unseen > completed || taken < completed
          || taken > REQUESTS_MAX) {
        throw new IllegalArgumentException(taken + " requests are not made again, " + atOnce + " at once");
      }
    }
  }

  record Counters(@Tag(1) int sqTail, @Tag(2) int cqHead, @Tag(3) int cqTail) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(Mapping mapping) {
    return mapping.vma().name().equals(NAME) && file(mapping).isPresent();
  }

  private static Optional<OpenFile> file(Mapping mapping) {
    return mapping.group().treeFiles().stream().filter(file -> file.link().equals(NAME)
        && file.facts().inode() == mapping.vma().inode()).findFirst();
  }

  @Override
  public String key(Mapping mapping) {
    return mapping.vma().inode() + " " + mapping.vma().start();
  }

  @Override
  public State checkpoint(Mapping mapping) throws ObstructedException {
    OpenFile file = file(mapping).orElseThrow(() -> refused(mapping, "its file is closed"));
    String text = mapping.group().proc("maps").orElse("");
    List<Vma> all = Maps.parse(text).vmas().stream().filter(vma -> vma.name().equals(NAME)
        && vma.inode() == mapping.vma().inode()).toList();
    return new State(file.id(), all.getLast().start() == mapping.vma().start()
        ? Optional.of(replay(mapping, file, all)) : Optional.empty());
  }

  private static Replay replay(Mapping mapping, OpenFile file, List<Vma> all) throws ObstructedException {
    HiddenRing hidden = file.hiddenRing().orElseThrow(() -> refused(mapping, "its counters cannot be found"));
    int atOnce = (int) file.info().hex("SqMask") + 1;
    int room = (int) file.info().hex("CqMask") + 1;
    int entryBytes = (hidden.flags() & SETUP_SQE128) != 0 ? 2 * ENTRY_BYTES : ENTRY_BYTES;
    int completionBytes = (hidden.flags() & SETUP_CQE32) != 0 ? 2 * COMPLETION_BYTES : COMPLETION_BYTES;
    Vma rings = whole(mapping, all, 0, COMPLETIONS_AT + (long) room * completionBytes);
    Vma entries = whole(mapping, all, ENTRIES_OFFSET, (long) atOnce * entryBytes);
    Bytes content = at(mapping, rings);
    int taken = content.u32(hidden.counters().sqHead());
    int completed = content.u32(hidden.counters().cqTail());
    int unseen = completed - content.u32(hidden.counters().cqHead());
    if (taken < 0 || taken > REQUESTS_MAX) {
      throw refused(mapping, "it has taken " + Integer.toUnsignedString(taken)
          + " requests: only by making as many again could its counters be brought back");
    }
    if (completed < 0 || completed > taken) {
      throw refused(mapping, "it has more completions (" + Integer.toUnsignedString(completed) + ") than requests ("
          + taken + "): no request to do nothing makes two");
    }
    if (unseen < 0 || unseen > Math.min(room, completed)) {
      throw refused(mapping, "the program has written over its counters");
    }
    return new Replay(rings.address(), entries.address(),
        new Counters(hidden.counters().sqTail(), hidden.counters().cqHead(), hidden.counters().cqTail()), taken,
        completed, unseen, atOnce, entryBytes, enabledHere(hidden), content, at(mapping, entries));
  }

  private static boolean enabledHere(HiddenRing hidden) {
    return (hidden.flags() & SETUP_SINGLE_ISSUER) != 0 && (hidden.flags() & SETUP_R_DISABLED) == 0;
  }

  private static Vma whole(Mapping mapping, List<Vma> all, long offset, long lengthBytes) throws ObstructedException {
    return all.stream().filter(vma -> vma.offset() == offset && vma.lengthBytes() >= lengthBytes).findFirst()
        .orElseThrow(() -> refused(mapping, "its rings are mapped in part only"));
  }

  /// The bytes of another vma of the same task.
  private static Bytes at(Mapping mapping, Vma vma) throws ObstructedException {
    return mapping.peek(vma.start() - mapping.vma().start(), Math.toIntExact(vma.lengthBytes()));
  }

  private static ObstructedException refused(Mapping mapping, String reason) {
    return new ObstructedException(mapping.subject(), "an io_uring cannot be carried as it is: " + reason,
        "let the program close it and set up another");
  }

  @Override
  public List<Loss> losses(State state) {
    return state.replay().isEmpty() ? List.of() : List.of(Loss.of("so that its rings fit where they were, the program"
        + " comes back without address randomisation: where it maps memory from then on can be foretold"));
  }

  @Override
  public Set<ObjectId> needs(State state) {
    return Set.of(state.ring());
  }

  @Override
  public Pages pages(State state) {
    return Pages.NONE;
  }

  @Override
  public Optional<Ref<Fd>> open(State state, Script script, Refs refs) {
    return Optional.empty();
  }

  @Override
  public void map(State state, VmaState vma, int prot, Optional<Ref<Fd>> file, Script script, Refs refs) {
    Fd ring = refs.kept(state.ring());
    script.mapWhereFree(ring, vma, ALL, Mman.MAP_SHARED, "map io_uring " + state.ring());
    // Another process may have mapped the same rings before.
    boolean again = state.replay().isPresent() && refs.noted(state.ring()).isEmpty();
    if (again) {
      new Again(state.replay().get(), Arg.imm(ring.value()), script).write();
    }
    if (again || prot != ALL) {
      refs.note(state.ring(), script.call(Nr.MPROTECT, "its protection", Arg.address(vma.start()),
          Arg.imm(vma.lengthBytes()), Arg.imm(prot)));
    }
  }

  /// Memory of a new ring is zero, and an entry of zeros asks for nothing (IORING_OP_NOP).
  private record Again(Replay replay, Arg ring, Script script) {
    void write() {
      if (replay.enable()) {
        script.call(Nr.IO_URING_REGISTER, "it is this thread's alone", ring, Arg.imm(REGISTER_ENABLE_RINGS),
            Arg.imm(0), Arg.imm(0));
      }
      int silent = replay.taken() - replay.completed();
      if (silent > 0) {
        script.poke(replay.entries(), skipping(), "requests for nothing, without completions");
        enter(silent, silent, "taken without completions");
        script.poke(replay.entries(), Bytes.zeros(replay.atOnce() * replay.entryBytes()), "requests for nothing");
      }
      // The program's own count goes along: the kernel remembers which places behind it were free (io_uring.c,
      // io_cqe_cache_refill()).
      enter(replay.completed() - replay.unseen(), replay.taken() - replay.unseen(), "completed and seen");
      if (replay.unseen() > 0) {
        script.poke(at(replay.counters().sqTail()), Bytes.ofU32(replay.taken()), "requests for nothing");
        for (int done = 0; done < replay.unseen(); done += replay.atOnce()) {
          int some = Math.min(replay.atOnce(), replay.unseen() - done);
          script.callExpecting(some, Nr.IO_URING_ENTER, "completed", ring, Arg.imm(some));
        }
      }
      script.poke(replay.rings(), replay.ringContent(), "the rings as they were");
      script.poke(replay.entries(), replay.entryContent(), "the entries as they were");
    }

    private RemoteAddress at(int counter) {
      return replay.rings().plus(counter);
    }

    private Bytes skipping() {
      byte[] entries = new byte[replay.atOnce() * replay.entryBytes()];
      for (int i = SQE_FLAGS_AT; i < entries.length; i += replay.entryBytes()) {
        entries[i] = CQE_SKIP_SUCCESS;
      }
      return Bytes.of(entries);
    }

    /// @param tail what the submission ring is to have in all by then
    private void enter(int count, int tail, String why) {
      if (count == 0) {
        return;
      }
      script.poke(at(replay.counters().sqTail()), Bytes.ofU32(tail), "requests for nothing");
      if (count >= replay.atOnce()) {
        script.repeat(count / replay.atOnce(), at(replay.counters().cqHead()), at(replay.counters().cqTail()),
            replay.atOnce(), Nr.IO_URING_ENTER, why, ring, Arg.imm(replay.atOnce()));
      }
      int rest = count % replay.atOnce();
      if (rest > 0) {
        script.callExpecting(rest, Nr.IO_URING_ENTER, why, ring, Arg.imm(rest));
        script.repeat(1, at(replay.counters().cqHead()), at(replay.counters().cqTail()), 0, Nr.IO_URING_ENTER,
            "the last of them", ring, Arg.imm(0));
      }
    }
  }
}

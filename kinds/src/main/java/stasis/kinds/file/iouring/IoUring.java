package stasis.kinds.file.iouring;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.procfs.FdInfo;
import stasis.procfs.Fields;
import stasis.procfs.Maps;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.HiddenRing;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Provable;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// An io_uring (io_uring_setup(2)) with nothing on its way, and the files, buffers and eventfd registered with it. What
/// lies in its rings, and its counters, come back with their mappings.
public final class IoUring implements FileKind<IoUring.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.iouring", 1);
  private static final int PARAMS_BYTES = 120;
  private static final int CQ_ENTRIES_AT = 4;
  private static final int FLAGS_AT = 8;
  private static final int SETUP_CQSIZE = 1 << 3;
  private static final int SETUP_CLAMP = 1 << 4;
  private static final int SETUP_R_DISABLED = 1 << 6;
  private static final int SETUP_SUBMIT_ALL = 1 << 7;
  private static final int SETUP_COOP_TASKRUN = 1 << 8;
  private static final int SETUP_TASKRUN_FLAG = 1 << 9;
  private static final int SETUP_SQE128 = 1 << 10;
  private static final int SETUP_CQE32 = 1 << 11;
  private static final int SETUP_SINGLE_ISSUER = 1 << 12;
  private static final int SETUP_DEFER_TASKRUN = 1 << 13;
  private static final int SETUP_NO_SQARRAY = 1 << 16;
  /// Of the others some begin a thread of the kernel, ask devices, or lay the rings into the program's own memory.
  private static final int CARRIED = SETUP_CQSIZE | SETUP_CLAMP | SETUP_R_DISABLED | SETUP_SUBMIT_ALL
      | SETUP_COOP_TASKRUN | SETUP_TASKRUN_FLAG | SETUP_SQE128 | SETUP_CQE32 | SETUP_SINGLE_ISSUER
      | SETUP_DEFER_TASKRUN | SETUP_NO_SQARRAY;
  private static final int REGISTER_BUFFERS = 0;
  private static final int REGISTER_FILES = 2;
  private static final int REGISTER_EVENTFD = 4;
  private static final int REGISTER_EVENTFD_ASYNC = 7;
  private static final int SLOTS_MAX = 4096;

  /// @param index of its slot
  record Registered(@Tag(1) int index, @Tag(2) ObjectId file) {}

  /// @param lengthBytes 0: an empty slot
  record Buffer(@Tag(1) RemoteAddress at, @Tag(2) long lengthBytes) {}

  record Event(@Tag(1) ObjectId file, @Tag(2) boolean async) {}

  /// @param sqEntries of the submission ring @param cqEntries of the completion ring @param setup IORING_SETUP_ flags
  /// @param flags of the description @param slots for files, of which some are taken @param buffers by slot
  /// @param event told of completions
  record State(@Tag(1) int sqEntries, @Tag(2) int cqEntries, @Tag(3) int setup, @Tag(4) int flags, @Tag(5) int slots,
      @Tag(6) List<Registered> files, @Tag(7) List<Buffer> buffers, @Tag(8) Optional<Event> event) {
    State {
      files = List.copyOf(files);
      buffers = List.copyOf(buffers);
      if (Integer.bitCount(sqEntries) != 1 || Integer.bitCount(cqEntries) != 1 || (setup & ~CARRIED) != 0) {
        throw new IllegalArgumentException("no ring has " + sqEntries + " and " + cqEntries + " entries, flags " + setup);
      }
      int room = slots;
      if (slots < 0 || slots > SLOTS_MAX
          || files.stream().anyMatch(file -> file.index() < 0 || file.index() >= room)) {
        throw new IllegalArgumentException("files are not in " + slots + " slots");
      }
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.link().equals("anon_inode:[io_uring]");
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    HiddenRing ring = file.hiddenRing().orElseThrow(() -> refused(file,
        "whether requests are on their way, and what is registered, cannot be told",
        "run with CAP_BPF and CAP_PERFMON"));
    FdInfo info = file.info();
    if (!ring.parts().isEmpty()) {
      throw refused(file, "it has " + String.join(", ", ring.parts()),
          "let the program wait for its requests and unregister that");
    }
    if ((ring.flags() & ~CARRIED) != 0) {
      throw refused(file, "it was set up with flags 0x" + Integer.toHexString(ring.flags() & ~CARRIED)
          + " (IORING_SETUP_)", "run the program without them");
    }
    refuseOthers(file, info);
    refuseIssuer(file, ring);
    refuseUnmapped(file, ring, info);
    return new State((int) info.hex("SqMask") + 1, (int) info.hex("CqMask") + 1, ring.flags(), OpenFlags.of(file),
        (int) info.decimal("UserFiles"), files(file, ring), buffers(file, info), event(file, ring));
  }

  private static void refuseOthers(OpenFile file, FdInfo info) throws ObstructedException {
    if (info.fields().has("Personalities")) {
      throw refused(file, "it has credentials registered (IORING_REGISTER_PERSONALITY)",
          "let the program unregister them");
    }
    if (info.fields().first("NAPI").filter(napi -> !napi.equals("disabled")).isPresent()) {
      throw refused(file, "it polls the network itself (IORING_REGISTER_NAPI)", "let the program unregister that");
    }
  }

  /// A ring for one thread alone is that of the thread that enables it: here, the first of the group.
  private static void refuseIssuer(OpenFile file, HiddenRing ring) throws ObstructedException {
    if ((ring.flags() & SETUP_SINGLE_ISSUER) != 0 && (ring.flags() & SETUP_R_DISABLED) == 0
        && ring.issuer().filter(file.task().group().leader().tid()::equals).isEmpty()) {
      throw refused(file, "only another thread than the first of the process may use it (IORING_SETUP_SINGLE_ISSUER)",
          "let the first thread set it up");
    }
  }

  /// What the kernel counts comes back where the rings are mapped.
  private static void refuseUnmapped(OpenFile file, HiddenRing ring, FdInfo info) throws ObstructedException {
    boolean untouched = info.decimal("CachedSqHead") == 0 && info.decimal("CachedCqTail") == 0
        && ((ring.flags() & SETUP_SINGLE_ISSUER) == 0 || (ring.flags() & SETUP_R_DISABLED) != 0);
    if (!untouched && Maps.parse(file.task().group().proc("maps").orElse("")).vmas().stream()
        .noneMatch(vma -> vma.name().equals(file.link()) && vma.inode() == file.facts().inode())) {
      throw refused(file, "it was used, and its rings are not mapped any more", "let the program close it");
    }
  }

  private static List<Registered> files(OpenFile file, HiddenRing ring) throws ObstructedException {
    var files = new ArrayList<Registered>();
    for (HiddenRing.Slot slot : ring.files()) {
      files.add(new Registered(slot.index(), slot.file().orElseThrow(() -> refused(file, "the file registered as "
          + slot.index() + " (IORING_REGISTER_FILES) is not open in the program any more",
          "let the program keep it open, or unregister it"))));
    }
    return files;
  }

  /// Lines `0: 0x7f0000001000/4096` or `1: <none>` behind their number (io_uring/fdinfo.c).
  private static List<Buffer> buffers(OpenFile file, FdInfo info) throws ObstructedException {
    var buffers = new ArrayList<Buffer>();
    long count = info.decimal("UserBufs");
    boolean within = false;
    for (Fields.Field field : info.fields().list()) {
      if (within && buffers.size() < count) {
        String[] parts = field.value().split("/", -1);
        buffers.add(parts.length == 2 ? new Buffer(new RemoteAddress(Long.parseUnsignedLong(parts[0].substring(2), 16)),
            Long.parseLong(parts[1])) : new Buffer(new RemoteAddress(0), 0));
      }
      within |= field.key().equals("UserBufs");
    }
    if (buffers.size() != count || count > SLOTS_MAX) {
      throw refused(file, "its " + count + " registered buffers (IORING_REGISTER_BUFFERS) are not all shown",
          "let the program unregister them");
    }
    return buffers;
  }

  private static Optional<Event> event(OpenFile file, HiddenRing ring) throws ObstructedException {
    if (ring.event().isEmpty()) {
      return Optional.empty();
    }
    HiddenRing.Event event = ring.event().get();
    return Optional.of(new Event(event.file().orElseThrow(() -> refused(file,
        "the eventfd told of completions (IORING_REGISTER_EVENTFD) is not open in the program any more",
        "let the program keep it open, or unregister it")), event.async()));
  }

  private static ObstructedException refused(OpenFile file, String reason, String remedy) {
    return new ObstructedException(file.subject(), "an io_uring cannot be carried as it is: " + reason, remedy);
  }

  @Override
  public List<Loss> losses(State state) {
    return state.buffers().isEmpty() ? List.of() : List.of(Loss.of("the memory of its registered buffers is counted as"
        + " pinned (VmPin) by the first process of the tree"));
  }

  @Override
  public Set<ObjectId> needs(State state) {
    var needs = new HashSet<ObjectId>();
    state.files().forEach(registered -> needs.add(registered.file()));
    state.event().ifPresent(event -> needs.add(event.file()));
    return needs;
  }

  /// One for a single thread is enabled by that thread, where its rings are mapped.
  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    int disabled = (state.setup() & SETUP_SINGLE_ISSUER) != 0 ? SETUP_R_DISABLED : 0;
    Ref<Fd> fd = script.call(Nr.IO_URING_SETUP, "an io_uring", Arg.imm(state.sqEntries()), Arg.data(
        Bytes.zeros(PARAMS_BYTES).withU32(CQ_ENTRIES_AT, state.cqEntries())
            .withU32(FLAGS_AT, state.setup() & ~SETUP_CLAMP | SETUP_CQSIZE | disabled)));
    OpenFlags.complete(state.flags(), fd, script);
    return fd;
  }

  @Override
  public void connect(State state, Fd self, Script script, Refs refs) {
    if (state.slots() > 0) {
      Bytes fds = Bytes.zeros(state.slots() * Integer.BYTES);
      for (int i = 0; i < state.slots(); i++) {
        fds = fds.withU32(i * Integer.BYTES, -1);
      }
      for (Registered file : state.files()) {
        fds = fds.withU32(file.index() * Integer.BYTES, refs.kept(file.file()).value());
      }
      register(self, REGISTER_FILES, fds, state.slots(), "its files", script);
    }
    if (!state.buffers().isEmpty()) {
      Bytes vectors = Bytes.zeros(state.buffers().size() * 2 * Long.BYTES);
      for (int i = 0; i < state.buffers().size(); i++) {
        Buffer buffer = state.buffers().get(i);
        vectors = vectors.withU64(i * 2 * Long.BYTES, buffer.at().bits())
            .withU64(i * 2 * Long.BYTES + Long.BYTES, buffer.lengthBytes());
      }
      register(self, REGISTER_BUFFERS, vectors, state.buffers().size(), "its buffers", script);
    }
    state.event().ifPresent(event -> register(self, event.async() ? REGISTER_EVENTFD_ASYNC : REGISTER_EVENTFD,
        Bytes.ofU32(refs.kept(event.file()).value()), 1, "its eventfd", script));
  }

  private static void register(Fd self, int what, Bytes argument, int count, String why, Script script) {
    script.call(Nr.IO_URING_REGISTER, why, Arg.imm(self.value()), Arg.imm(what), Arg.data(argument), Arg.imm(count));
  }

  @Override
  public Provable<State> provable(State state) {
    return (state.setup() & SETUP_SINGLE_ISSUER) == 0 ? new Provable.Whole<>() : new Provable.Forbidden<>("its one user"
        + " (IORING_SETUP_SINGLE_ISSUER) is known once it has used it, which a copy never does");
  }

  /// Both rings are made as large as they were, which is a flag when the ring is set up and shows nowhere else.
  @Override
  public State agreed(State state, State copy) {
    int setup = copy.setup() & ~SETUP_CQSIZE | state.setup() & SETUP_CQSIZE;
    return new State(copy.sqEntries(), copy.cqEntries(), setup, copy.flags(), copy.slots(), copy.files(),
        copy.buffers(), copy.event());
  }
}

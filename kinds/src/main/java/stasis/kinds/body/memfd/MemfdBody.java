package stasis.kinds.body.memfd;

import java.lang.invoke.MethodHandles;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.FileOwner;
import stasis.kinds.file.NamedFile;
import stasis.kinds.mapping.HugePages;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.procfs.FileStat;
import stasis.procfs.VmFlag;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.BodyKind;
import stasis.resource.BodyView;
import stasis.resource.Mapping;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// The inode of a memfd_create(2): name, size, owner, seals and contents.
public final class MemfdBody implements BodyKind<MemfdBody.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "body.memfd", 2);
  private static final int F_ADD_SEALS = 1033;
  private static final int F_GET_SEALS = 1034;
  private static final int F_SEAL_WRITE = 0x8;
  private static final int ALL_SEALS = 0x3f;
  private static final int MFD_CLOEXEC = 0x1;
  private static final int MFD_ALLOW_SEALING = 0x2;
  private static final int MFD_EXEC = 0x10;
  /// What MFD_EXEC gives (mm/memfd.c).
  private static final int DEFAULT_MODE = 0777;
  private static final int PERMISSIONS = 07777;
  private static final long HUGETLBFS_MAGIC = 0x958458f6L;
  private static final int STATFS_BYTES = 120;
  private static final int STATFS_BLOCK_AT = 8;
  private static final int MFD_HUGETLB = 0x4;
  private static final String PREFIX = "/memfd:";
  private static final String SUFFIX = " (deleted)";

  /// @param name one char per byte @param seals F_SEAL_ bits of fcntl(2) @param mappedWritable whether a shared
  ///     mapping may become writable: such a one must exist before F_SEAL_FUTURE_WRITE, and forbids F_SEAL_WRITE
  /// @param modifiedNs mtime, ns since the epoch, of one with an fd
  /// @param owner empty for one without an fd: nobody can ask
  /// @param hugePageBytes size of its pages where it lies in hugetlbfs (MFD_HUGETLB)
  record State(@Tag(1) String name, @Tag(2) long sizeBytes, @Tag(3) int mode, @Tag(4) Optional<Owner> owner,
      @Tag(5) int seals, @Tag(6) boolean mappedWritable, @Tag(7) boolean open,
      @Tag(8) Optional<Long> modifiedNs, @Tag(9) Optional<Long> hugePageBytes) {
    State {
      if (sizeBytes < 0 || (seals & ~ALL_SEALS) != 0 || (mode & ~PERMISSIONS) != 0) {
        throw new IllegalArgumentException("no memfd has size " + sizeBytes + ", seals " + seals + ", mode " + mode);
      }
    }
  }

  record Owner(@Tag(1) int uid, @Tag(2) int gid) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public State checkpoint(BodyView body) throws ObstructedException {
    boolean writable = shared(body).stream().anyMatch(m -> m.flags().has(VmFlag.MW));
    boolean sealed = shared(body).stream().anyMatch(m -> m.flags().has(VmFlag.SH) && !m.flags().has(VmFlag.MW));
    if (writable && sealed) {
      throw new ObstructedException(body.subject(),
          "it is mapped shared both from before and from after F_SEAL_FUTURE_WRITE", "");
    }
    if (body.files().isEmpty()) {
      return ofMapping(body, sealed);
    }
    OpenFile file = body.files().getFirst();
    Answer seals = file.ask(Nr.FCNTL, Arg.self(), Arg.imm(F_GET_SEALS));
    if (seals.failed()) {
      throw new ObstructedException(file.subject(), "its seals cannot be read", "");
    }
    FileOwner found = FileOwner.of(file);
    Owner owner = new Owner(found.uid(), found.gid());
    FileStat facts = file.facts();
    return new State(name(file.link()), facts.sizeBytes(), facts.mode() & PERMISSIONS, Optional.of(owner),
        (int) seals.result(), writable, true, Optional.of(NamedFile.modifiedNs(facts)), hugePageBytes(file));
  }

  /// hugetlbfs tells the size of its pages as that of its blocks (fs/hugetlbfs/inode.c, hugetlbfs_statfs()).
  private static Optional<Long> hugePageBytes(OpenFile file) throws ObstructedException {
    if (file.filesystemMagic() != HUGETLBFS_MAGIC) {
      return Optional.empty();
    }
    Answer facts = file.ask(Nr.FSTATFS, Arg.self(), Arg.space(STATFS_BYTES));
    if (facts.failed()) {
      throw new ObstructedException(file.subject(), "the size of its pages cannot be read", "");
    }
    return Optional.of(facts.output(1).u64(STATFS_BLOCK_AT));
  }

  private static List<Mapping> shared(BodyView body) {
    return body.mappings().stream().filter(mapping -> mapping.vma().shared()).toList();
  }

  /// Without an fd the seals can still be told from what a shared mapping may not become (mm/memfd.c,
  /// check_write_seal()); the others bind nobody who has no fd.
  private static State ofMapping(BodyView body, boolean sealed) {
    Mapping first = body.mappings().getFirst();
    long mappedEnd = body.mappings().stream().mapToLong(m -> m.vma().offset() + m.vma().lengthBytes()).max().orElse(0);
    long size = first.facts().map(FileStat::sizeBytes).orElse(mappedEnd);
    int mode = first.facts().map(FileStat::mode).orElse(DEFAULT_MODE) & PERMISSIONS;
    return new State(name(first.vma().name().replace("\\012", "\n")), size, mode, Optional.empty(),
        sealed ? F_SEAL_WRITE : 0, !sealed, false, Optional.empty(),
        first.flags().has(VmFlag.HT) ? Optional.of(first.pageBytes()) : Optional.empty());
  }

  private static String name(String link) {
    int end = link.endsWith(SUFFIX) ? link.length() - SUFFIX.length() : link.length();
    return link.startsWith(PREFIX) ? link.substring(PREFIX.length(), end) : link.substring(0, end);
  }

  @Override
  public Contents contents(State state) {
    return state.open() ? Contents.FILE : Contents.MEMORY;
  }

  /// Huge pages cannot be written by a call: they are filled through a mapping.
  @Override
  public long holeBytes(State state) {
    return state.hugePageBytes().map(bytes -> HugePages.holeBytes(state.sizeBytes(), bytes)).orElse(0L);
  }

  @Override
  public boolean isMapped(State state) {
    return false;
  }

  private static void fillHuge(State state, long pageBytes, Ref<?> fd, ObjectId self, Script script, Refs refs) {
    script.call(Nr.FTRUNCATE, "its size", Arg.result(fd), Arg.imm(state.sizeBytes()));
    RemoteAddress place = HugePages.in(refs.hole(self), pageBytes);
    Arg at = Arg.address(place);
    Arg size = Arg.imm(state.sizeBytes());
    script.callExpecting(place.bits(), Nr.MMAP, "to fill its " + HugePages.name(pageBytes), at, size,
        Arg.imm(Mman.PROT_READ | Mman.PROT_WRITE), Arg.imm(Mman.MAP_SHARED | Mman.MAP_NORESERVE
            | Mman.MAP_FIXED_NOREPLACE), Arg.result(fd), Arg.imm(0));
    script.fill(self, 0, state.sizeBytes(), place, "its contents");
    script.call(Nr.MUNMAP, "filled", at, size);
  }

  @Override
  public Ref<?> restore(State state, ObjectId self, Script script, Refs refs) {
    int huge = state.hugePageBytes().map(bytes -> MFD_HUGETLB | HugePages.flag(bytes)).orElse(0);
    Ref<?> fd = script.call(Nr.MEMFD_CREATE, "memfd " + self, Arg.string(state.name()),
        Arg.imm(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC | huge));
    if (state.sizeBytes() > 0 && huge != 0) {
      fillHuge(state, state.hugePageBytes().orElseThrow(), fd, self, script, refs);
    } else if (state.sizeBytes() > 0) {
      // Contents come in whole pages: the size is set after them.
      script.fillFile(new Ref<>(fd.step()), self, "its contents");
      script.call(Nr.FTRUNCATE, "its size", Arg.result(fd), Arg.imm(state.sizeBytes()));
    }
    if (state.mode() != DEFAULT_MODE) {
      script.call(Nr.FCHMOD, "its mode", Arg.result(fd), Arg.imm(state.mode()));
    }
    state.owner().ifPresent(owner -> script.call(Nr.FCHOWN, "its owner", Arg.result(fd), Arg.imm(owner.uid()),
        Arg.imm(owner.gid())));
    if (!state.mappedWritable()) {
      seal(state, fd, script);
    }
    return fd;
  }

  @Override
  public void finish(State state, ObjectId self, Script script, Refs refs) {
    if (state.mappedWritable()) {
      seal(state, refs.fd(self), script);
    }
    state.modifiedNs().map(Instant.EPOCH::plusNanos).ifPresent(time -> script.call(Nr.UTIMENSAT, "its times",
        Arg.result(refs.fd(self)), Arg.imm(0), Arg.data(Bytes.ofU64(time.getEpochSecond(), time.getNano(),
            time.getEpochSecond(), time.getNano())), Arg.imm(0)));
  }

  /// Write seals come before the mappings made under them and after those made before them; the two are not met
  /// together.
  private static void seal(State state, Ref<?> fd, Script script) {
    if (state.seals() != 0) {
      script.call(Nr.FCNTL, "its seals", Arg.result(fd), Arg.imm(F_ADD_SEALS), Arg.imm(state.seals()));
    }
  }
}

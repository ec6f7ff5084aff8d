package stasis.kinds.body.sysvshm;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.ipc.IpcSpace;
import stasis.kinds.ipc.ShmStat;
import stasis.kinds.mapping.HugePages;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.RemoteAddress;
import stasis.procfs.ShmSegment;
import stasis.procfs.VmFlag;
import stasis.resource.Arg;
import stasis.resource.BodyKind;
import stasis.resource.BodyView;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Mapping;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A System V shared memory segment that somebody has attached (shmget(2)): id, key, size, owner, mode, contents. It
/// outlives the program: if it is still there at the restore, it is attached again and filled anew, else created under
/// its id. What no attach shows (SHM_NORESERVE, times, the last user's pid) is not carried.
public final class SysvShmBody implements BodyKind<SysvShmBody.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "body.sysvshm", 3);
  private static final int PERMISSIONS = 0777;
  private static final int OWNER_READS_AND_WRITES = 0600;
  private static final int MADV_REMOVE = 9;
  private static final int SHM_HUGETLB = 04000;
  private static final int KEY_RADIX = 16;
  private static final String NAME = "/SYSV";
  private static final int KEY_DIGITS = 8;
  private static final PathBytes NEXT_ID = PathBytes.of("/proc/sys/kernel/shm_next_id");

  /// @param key of a removed one: what it was made with, unless another segment has it now; IPC_PRIVATE then, and
  ///     `renamed`, as its name in `/proc/PID/maps` tells the key
  /// @param mode permission bits @param owner as IPC_SET changes it @param creator euid and egid of who made it: they
  ///     may do with it what the owner may @param creatorPid who made it
  /// @param readOnly whether somebody has it attached SHM_RDONLY
  /// @param hugePageBytes size of its pages where it lies in hugetlbfs (SHM_HUGETLB)
  /// @param apart in an IPC namespace that comes back empty
  record State(@Tag(1) int id, @Tag(2) int key, @Tag(3) long sizeBytes, @Tag(4) int mode, @Tag(5) Owner owner,
      @Tag(6) Owner creator, @Tag(7) int creatorPid, @Tag(8) boolean locked, @Tag(9) boolean removed,
      @Tag(10) boolean readOnly, @Tag(11) boolean renamed,
      @Tag(12) Optional<Long> hugePageBytes, @Tag(13) boolean apart) {
    State {
      if (id < 0 || sizeBytes <= 0 || (mode & ~PERMISSIONS) != 0) {
        throw new IllegalArgumentException("no segment has id " + id + ", size " + sizeBytes + ", mode " + mode);
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
    if (body.mappings().isEmpty()) {
      return unattached(body);
    }
    Mapping first = body.mappings().getFirst();
    ShmStat stat = ShmStat.of(first);
    long attaches = attachesInTree(body);
    if (stat.attaches() > attaches) {
      throw new ObstructedException(body.subject(), "the System V shared memory segment is attached "
          + (stat.attaches() - attaches) + " times more outside the tree", "checkpoint all processes that share it");
    }
    requireWhole(body, stat);
    boolean removed = (stat.mode() & ShmSegment.DEST) != 0;
    boolean readOnly = body.mappings().stream().anyMatch(mapping -> !mapping.flags().has(VmFlag.SH));
    int named = namedKey(first);
    boolean renamed = removed && named != ShmStat.IPC_PRIVATE && hasAnother(first, named);
    return new State(ShmStat.id(first), removed && !renamed ? named : stat.key(), stat.sizeBytes(),
        stat.mode() & PERMISSIONS, new Owner(stat.uid(), stat.gid()),
        new Owner(stat.creatorUid(), stat.creatorGid()), stat.creator(), (stat.mode() & ShmSegment.LOCKED) != 0,
        removed, readOnly, renamed, first.flags().has(VmFlag.HT) ? Optional.of(first.pageBytes()) : Optional.empty(),
        IpcSpace.isApart(first.group()));
  }

  /// One that nobody has attached is described where it would end with its namespace.
  private static State unattached(BodyView body) throws ObstructedException {
    int id = (int) body.key().inode();
    ShmStat stat = ShmStat.of(body.groups().getFirst(), id, body.subject());
    return new State(id, stat.key(), stat.sizeBytes(), stat.mode() & PERMISSIONS, new Owner(stat.uid(), stat.gid()),
        new Owner(stat.creatorUid(), stat.creatorGid()), stat.creator(), (stat.mode() & ShmSegment.LOCKED) != 0, false,
        false, false, Optional.empty(), true);
  }

  /// Each vma is an attach (ipc/shm.c, shm_open()); processes may have one mm together.
  private static long attachesInTree(BodyView body) {
    return body.mappings().stream().map(mapping -> mapping.group().mm() + " " + mapping.vma().start()).distinct()
        .count();
  }

  /// Who may stat the inode through map_files may also read it whole; others read what is mapped.
  private static void requireWhole(BodyView body, ShmStat stat) throws ObstructedException {
    if (body.mappings().getFirst().facts().isPresent()) {
      return;
    }
    long end = 0;
    for (Mapping mapping : body.mappings().stream()
        .sorted(Comparator.comparingLong(mapping -> mapping.vma().offset())).toList()) {
      if (mapping.vma().offset() > end) {
        break;
      }
      end = Math.max(end, mapping.vma().offset() + mapping.vma().lengthBytes());
    }
    if (end < stat.sizeBytes()) {
      throw new ObstructedException(body.subject(),
          "parts of the System V shared memory segment are mapped nowhere and cannot be read",
          "run with CAP_CHECKPOINT_RESTORE");
    }
  }

  /// Its name keeps the key it was made with.
  private static int namedKey(Mapping mapping) {
    String name = mapping.vma().name();
    return Integer.parseUnsignedInt(name, NAME.length(), NAME.length() + KEY_DIGITS, KEY_RADIX);
  }

  /// Whether another segment than the removed one below the mapping has the key now.
  private static boolean hasAnother(Mapping mapping, int key) {
    return !mapping.group().leader().observe(Nr.SHMGET, Arg.imm(key), Arg.imm(0), Arg.imm(0)).failed();
  }

  @Override
  public List<Loss> losses(State state) {
    var losses = new ArrayList<Loss>();
    losses.add(Loss.of("when it was last attached, detached and changed, and by which process, begins anew"));
    losses.add(Loss.of((state.removed() ? "" : "where it has to be made anew, ") + "its creator's pid, "
        + state.creatorPid() + ", becomes that of the tree's first process"));
    if (state.renamed()) {
      losses.add(Loss.of("its name in maps becomes /SYSV00000000: another segment has its key now"));
    }
    return losses;
  }

  @Override
  public State agreed(State state, State copy) {
    return new State(copy.id(), copy.key(), copy.sizeBytes(), copy.mode(), copy.owner(), copy.creator(),
        state.creatorPid(), copy.locked(), copy.removed(), copy.readOnly(), copy.renamed(), copy.hugePageBytes(),
        copy.apart());
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    var obstacles = new ArrayList<Obstacle>();
    String subject = "System V shared memory segment " + state.id();
    for (ShmSegment segment : segments(state, host)) {
      if (segment.id() == state.id()) {
        if (!isSame(state, segment)) {
          obstacles.add(new Obstacle.Changed(subject, text(state.key(), state.sizeBytes(), state.creator()),
              text(segment.key(), segment.sizeBytes(), new Owner(segment.creatorUid(), segment.creatorGid())),
              "remove that segment (ipcrm -m " + state.id() + ")"));
        } else if (segment.attaches() > 0) {
          obstacles.add(new Obstacle.HostLacks(subject, "others have it attached, and would see its contents change",
              "end them (lsof, ipcs -p)"));
        }
      } else if (!state.removed() && state.key() != ShmStat.IPC_PRIVATE && segment.key() == state.key()) {
        obstacles.add(new Obstacle.HostLacks(subject, "its key 0x" + Integer.toHexString(state.key())
            + " is that of segment " + segment.id() + " now", "remove that segment (ipcrm -m " + segment.id() + ")"));
      }
    }
    if (present(state, host).isEmpty() && !host.capabilities().contains("CAP_SYS_ADMIN")
        && !host.capabilities().contains("CAP_CHECKPOINT_RESTORE")) {
      obstacles.add(new Obstacle.HostLacks(subject, "a segment with a given id cannot be made",
          "run with CAP_CHECKPOINT_RESTORE"));
    }
    return obstacles;
  }

  private static boolean isSame(State state, ShmSegment segment) {
    return !state.removed() && !segment.isRemoved() && segment.key() == state.key()
        && segment.sizeBytes() == state.sizeBytes() && segment.creatorUid() == state.creator().uid()
        && segment.creatorGid() == state.creator().gid();
  }

  private static String text(int key, long sizeBytes, Owner creator) {
    return "key 0x" + Integer.toHexString(key) + ", " + sizeBytes + " bytes, made by " + creator.uid() + ":"
        + creator.gid();
  }

  private static Optional<ShmSegment> present(State state, Host host) {
    return segments(state, host).stream().filter(s -> s.id() == state.id() && isSame(state, s)).findFirst();
  }

  /// Those that are there when it comes back.
  private static List<ShmSegment> segments(State state, Host host) {
    return state.apart() ? List.of() : host.shmSegments();
  }

  @Override
  public Contents contents(State state) {
    return Contents.MEMORY;
  }

  private static long attachBytes(State state) {
    return state.hugePageBytes().map(page -> ShmStat.attachBytes(state.sizeBytes(), page))
        .orElse(ShmStat.attachBytes(state.sizeBytes()));
  }

  /// A writable attach, and a read-only one behind it; huge pages are attached where they belong.
  @Override
  public long holeBytes(State state) {
    if (state.hugePageBytes().isPresent()) {
      return HugePages.holeBytes(attachBytes(state), state.hugePageBytes().get());
    }
    return ShmStat.attachBytes(state.sizeBytes()) * (state.readOnly() ? 2 : 1);
  }

  @Override
  public Ref<?> restore(State state, ObjectId self, Script script, Refs refs) {
    long attachBytes = attachBytes(state);
    Arg id = Arg.imm(state.id());
    RemoteAddress place = state.hugePageBytes().map(page -> HugePages.in(refs.hole(self), page))
        .orElse(refs.hole(self));
    Arg hole = Arg.address(place);
    boolean present = present(state, refs.host()).isPresent();
    if (present) {
      script.call(Nr.SHMCTL, "writable meanwhile", id, Arg.imm(ShmStat.IPC_SET), Arg.data(ShmStat.ownership(
          state.owner().uid(), state.owner().gid(), state.mode() | OWNER_READS_AND_WRITES)));
    } else {
      create(state, script, refs.host());
    }
    Ref<?> at = script.callExpecting(place.bits(), Nr.SHMAT, "segment " + self, id, hole, Arg.imm(0));
    if (present) {
      script.call(Nr.MADVISE, "its contents go", hole, Arg.imm(attachBytes), Arg.imm(MADV_REMOVE));
    }
    if (state.readOnly() && state.hugePageBytes().isEmpty()) {
      script.callExpecting(refs.hole(self).plus(attachBytes).bits(), Nr.SHMAT, "the same read-only", id,
          Arg.address(refs.hole(self).plus(attachBytes)), Arg.imm(ShmStat.SHM_RDONLY));
    }
    script.call(Nr.SHMCTL, "its owner and mode", id, Arg.imm(ShmStat.IPC_SET),
        Arg.data(ShmStat.ownership(state.owner().uid(), state.owner().gid(), state.mode())));
    script.fill(self, 0, attachBytes, place, "contents of the segment");
    if (state.locked()) {
      script.call(Nr.SHMCTL, "kept in memory", id, Arg.imm(ShmStat.SHM_LOCK));
    }
    // At once: a segment of the tree that is not removed may have the key.
    if (state.removed()) {
      script.call(Nr.SHMCTL, "removed, as it was", id, Arg.imm(ShmStat.IPC_RMID));
    }
    return at;
  }

  /// By its creator's ids: no call changes those later.
  private static void create(State state, Script script, Host host) {
    Ref<?> next = script.call(Nr.OPENAT, "choose the id of a segment", Arg.imm(Open.AT_FDCWD), Arg.path(NEXT_ID),
        Arg.imm(Open.O_WRONLY | Open.O_CLOEXEC));
    String number = Integer.toString(state.id());
    script.callExpecting(number.length(), Nr.WRITE, "the id", Arg.result(next), Arg.string(number),
        Arg.imm(number.length()));
    script.call(Nr.CLOSE, "chosen", Arg.result(next));
    Ref<?> uid = script.call(Nr.GETEUID, "who we are");
    Ref<?> gid = script.call(Nr.GETEGID, "who we are");
    ids(Nr.SETRESGID, "creator's gid", Arg.imm(state.creator().gid()), script);
    ids(Nr.SETRESUID, "creator's uid", Arg.imm(state.creator().uid()), script);
    boolean taken = state.removed() && segments(state, host).stream().anyMatch(s -> s.key() == state.key());
    int huge = state.hugePageBytes().map(page -> SHM_HUGETLB | HugePages.flag(page)).orElse(0);
    script.callExpecting(state.id(), Nr.SHMGET, "a segment", Arg.imm(taken ? ShmStat.IPC_PRIVATE : state.key()),
        Arg.imm(state.sizeBytes()),
        Arg.imm(huge | ShmStat.IPC_CREAT | ShmStat.IPC_EXCL | state.mode() | OWNER_READS_AND_WRITES));
    ids(Nr.SETRESUID, "ourselves again", Arg.result(uid), script);
    ids(Nr.SETRESGID, "ourselves again", Arg.result(gid), script);
  }

  private static void ids(Nr nr, String why, Arg effective, Script script) {
    script.call(nr, why, Arg.imm(-1), effective, Arg.imm(-1));
  }
}

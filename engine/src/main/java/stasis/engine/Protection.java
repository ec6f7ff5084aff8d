package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.abi.Uffd;
import stasis.linux.sys.Syscalls;
import stasis.linux.sys.Userfault;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.procfs.Status;
import stasis.procfs.Vma;
import stasis.tracee.Deadline;
import stasis.tracee.ErrandRefusedException;
import stasis.tracee.FrozenGroup;
import stasis.tracee.FrozenTree;
import stasis.tracee.LiveTask;
import stasis.tracee.Registers;
import stasis.tracee.RemoteMemory;
import stasis.tracee.UserfaultLender;
import stasis.tracee.Userfaults;

/// Which shared memory of a frozen tree is write-protected instead of copied, and the doing of it: where every write to
/// it can be caught, and where that is quicker than a copy. docs/designs/shared-memory.md.
final class Protection {
  /// Measured, and rounded in favour of copying: docs/designs/shared-memory.md. To protect takes so long for each
  /// process that maps it, for each MiB of the mapping, and for each MiB that its page tables show.
  private static final double COPY_MS_PER_MIB = 0.2;
  private static final double BODY_MS = 0.2;
  private static final double PROTECT_MS = 1.5;
  private static final double PROTECT_MS_PER_MIB = 0.0015;
  private static final double PROTECT_MS_PER_SHOWN_MIB = 0.015;
  private static final long MIB = 1 << 20;
  private static final Duration ERRAND_BOUND = Duration.ofSeconds(30);
  private static final int O_NONBLOCK = 0x800;
  private static final int ROBUST_LIST_BYTES = 24;
  private static final long FEATURES = Uffd.FEATURE_PAGEFAULT_FLAG_WP | Uffd.FEATURE_WP_HUGETLBFS_SHMEM
      | Uffd.FEATURE_EVENT_FORK | Uffd.FEATURE_EVENT_REMAP | Uffd.FEATURE_EVENT_REMOVE;

  private final FrozenTree tree;
  private final List<WriteGuard.Guarded> guarded = new ArrayList<>();
  private final Map<Long, UserfaultLender> lenders = new HashMap<>();

  private Protection(FrozenTree tree) {
    this.tree = tree;
  }

  /// What is protected: the copies that come of it, and who has them made.
  record Armed(Map<BodySource, BodySource> held, WriteGuard guard) {}

  /// What may be protected.
  enum Scope {
    NOTHING,
    /// What has no descriptors: seldom in vain.
    MAPPED_ONLY,
    ALL,
    /// Also what is not worth it, or new.
    REHEARSED
  }

  /// An order to protect what can be, and is worth it.
  record Order(Environment environment, Moment.Listener listener, Scope scope) {
    Proc proc() {
      return environment.proc();
    }

    /// @return empty where nothing is, or can be; then all is as it was
    Optional<Armed> arm(FrozenTree tree, Collected.Complete collected) throws SyscallException {
      Map<BodySource, Witness> worth = worth(collected);
      if (worth.isEmpty() || WriteTracking.misleading(collected.files()).isPresent()
          || collected.pages().stream().anyMatch(MappingCollector.PrivatePages::asynchronous)) {
        return Optional.empty();
      }
      var protection = new Protection(tree);
      try {
        Optional<Armed> armed = protection.arm(worth, proc());
        if (armed.isPresent()) {
          told(armed.get());
        }
        return armed;
      } finally {
        protection.closeLenders();
      }
    }

    private Map<BodySource, Witness> worth(Collected.Complete collected) {
      Instant now = Instant.EPOCH.plusNanos(environment.realtimeNs().getAsLong());
      var worth = new LinkedHashMap<BodySource, Witness>();
      for (BodySource body : collected.bodies()) {
        if (isAllowed(body.access()) && isWhole(body) && (scope == Scope.REHEARSED || isQuicker(body, proc()))) {
          (scope == Scope.REHEARSED ? Witness.soon(body) : Witness.of(body, now))
              .ifPresent(witness -> worth.put(body, witness));
        }
      }
      return worth;
    }

    private boolean isAllowed(BodySource.Access access) {
      return switch (access) {
        case MAPPINGS_OF_THE_TREE -> scope != Scope.NOTHING;
        case DESCRIPTORS -> scope == Scope.ALL;
        case OTHERS -> false;
      };
    }

    /// Who listens may call it off.
    private void told(Armed armed) {
      try {
        listener.at(new Moment.At("shared-protected"));
      } catch (RuntimeException | Error e) {
        armed.guard().close();
        armed.held().values().forEach(BodySource::close);
        throw e;
      }
    }
  }

  /// Whether each mapping ends where it ends: one that is extended shows nothing more.
  private static boolean isWhole(BodySource body) {
    Optional<Long> size = body.sizeBytes();
    return size.isPresent() && body.written().stream().map(BodySource.Place::vma)
        .allMatch(vma -> vma.offset() + vma.lengthBytes() >= size.get());
  }

  private static boolean isQuicker(BodySource body, Proc proc) {
    double mib = (double) body.allocatedBytes() / MIB;
    double protect = BODY_MS;
    for (Tid task : body.written().stream().map(BodySource.Place::task).distinct().toList()) {
      protect += PROTECT_MS + mib * PROTECT_MS_PER_MIB;
      if (protect < mib * COPY_MS_PER_MIB) {
        protect += Math.min(mib, shownMib(proc, task)) * PROTECT_MS_PER_SHOWN_MIB;
      }
    }
    return protect < mib * COPY_MS_PER_MIB;
  }

  private static double shownMib(Proc proc, Tid task) {
    try {
      return proc.task(task).status().kib("RssShmem").orElse(0L) / 1024.0;
    } catch (ProcException e) {
      return Double.MAX_VALUE; // gone, or not ours to look at
    }
  }

  private Optional<Armed> arm(Map<BodySource, Witness> sources, Proc proc) throws SyscallException {
    var held = new LinkedHashMap<BodySource, BodySource>();
    var bodies = new ArrayList<ProtectedBody>();
    boolean armed = false;
    try {
      Map<Tid, List<WriteGuard.Range>> ranges = new TreeMap<>();
      for (BodySource source : sources.keySet()) {
        ProtectedBody body = body(source);
        held.put(source, body.held());
        bodies.add(body);
        for (BodySource.Place place : source.written()) {
          Vma vma = place.vma();
          ranges.computeIfAbsent(place.task(), _ -> new ArrayList<>())
              .add(new WriteGuard.Range(vma.address(), vma.lengthBytes(), vma.offset(), body));
        }
      }
      if (!hasWritesAtTheEnd(ranges) && protect(ranges, proc)) {
        WriteGuard guard = WriteGuard.start(guarded, bodies, List.copyOf(sources.values()));
        armed = true;
        return Optional.of(new Armed(held, guard));
      }
      return Optional.empty();
    } finally {
      if (!armed) {
        guarded.forEach(one -> one.userfault().close());
        held.values().forEach(BodySource::close);
      }
    }
  }

  private static ProtectedBody body(BodySource source) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      long memfd = Syscalls.require("hold shared memory", Nr.MEMFD_CREATE, arena.allocateFrom("stasis-body").address(),
          1);
      try {
        long size = source.sizeBytes().orElseThrow();
        Syscalls.require("size of held shared memory", Nr.FTRUNCATE, memfd, size);
        return ProtectedBody.of(source, memfd, size);
      } catch (SyscallException | RuntimeException | Error e) {
        Syscalls.call(Nr.CLOSE, memfd);
        throw e;
      }
    }
  }

  /// Whether a thread that ends would write there: what it wants to write then does not wait, and is not made
  /// (fs/userfaultfd.c, handle_userfault() with PF_EXITING). That is a robust mutex which it holds now, or its thread id
  /// (set_tid_address(2)), which C libraries keep where its thread area is; what it takes later it writes to first.
  private boolean hasWritesAtTheEnd(Map<Tid, List<WriteGuard.Range>> ranges) {
    List<WriteGuard.Range> all = ranges.values().stream().flatMap(List::stream).toList();
    for (FrozenTree.Member member : tree.members()) {
      for (LiveTask task : member.group().tasks()) {
        long area = task.registers().get(Registers.Name.FS_BASE);
        if (all.stream().anyMatch(range -> range.holds(area) || range.holds(task.registers().rsp().bits()))
            || holdsRobust(task.tid())) {
          return true;
        }
      }
    }
    return false;
  }

  private static boolean holdsRobust(Tid task) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment found = call.allocate(16, 8);
      long got = Syscalls.call(Nr.GET_ROBUST_LIST, task.value(), found.address(), found.address() + 8);
      long head = found.get(ValueLayout.JAVA_LONG, 0);
      if (Errno.isError(got) || head == 0) {
        return Errno.isError(got);
      }
      MemorySegment list = call.allocate(ROBUST_LIST_BYTES, 8);
      try {
        new RemoteMemory(task).read(new RemoteAddress(head), list);
      } catch (SyscallException e) {
        return true; // nobody checks what a task says where its list is
      }
      return list.get(ValueLayout.JAVA_LONG, 0) != head || list.get(ValueLayout.JAVA_LONG, 16) != 0;
    }
  }

  /// @return whether all of it is; else some may be
  private boolean protect(Map<Tid, List<WriteGuard.Range>> ranges, Proc proc) throws SyscallException {
    Map<Tid, FrozenGroup> groups = new HashMap<>();
    tree.members().forEach(member -> groups.put(member.group().shown(), member.group()));
    try {
      for (Map.Entry<Tid, List<WriteGuard.Range>> entry : ranges.entrySet()) {
        FrozenGroup group = GroupPlan.require(groups, entry.getKey());
        var one = new WriteGuard.Guarded(entry.getKey(), open(group, proc), List.copyOf(entry.getValue()));
        guarded.add(one);
        one.userfault().agree(FEATURES);
        for (WriteGuard.Range range : one.ranges()) {
          if (Errno.isError(one.userfault().register(range.start(), range.lengthBytes(), Uffd.REGISTER_MODE_WP))
              || Errno.isError(one.userfault().writeProtect(range.start(), range.lengthBytes(),
                  Uffd.WRITEPROTECT_MODE_WP))) {
            return false;
          }
        }
      }
      return true;
    } catch (ErrandRefusedException | ProcException | SyscallException e) {
      // Then it is copied.
      return false;
    }
  }

  /// One that the kernel waits for as well.
  private Userfault open(FrozenGroup group, Proc proc) throws ErrandRefusedException, SyscallException, ProcException {
    LiveTask task = group.tasks().getFirst();
    Status status = proc.task(task.tid()).status();
    Status.Ids user = status.uid();
    Status.Ids set = status.gid();
    if (user.effective() == 0) {
      return Userfaults.open(group, task, O_NONBLOCK, Deadline.after(ERRAND_BOUND));
    }
    long key = user.real() << 32 | set.real();
    UserfaultLender lender = lenders.get(key);
    if (lender == null) {
      lender = UserfaultLender.start(user.real(), set.real());
      lenders.put(key, lender);
    }
    return lender.open(group, task, O_NONBLOCK, Deadline.after(ERRAND_BOUND));
  }

  private void closeLenders() throws SyscallException {
    for (UserfaultLender lender : lenders.values()) {
      lender.close();
    }
  }
}

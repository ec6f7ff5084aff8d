package stasis.engine;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import stasis.engine.MissingPages.Piece;
import stasis.image.ObjectId;
import stasis.image.PageRun;
import stasis.linux.abi.Errno;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Uffd;
import stasis.linux.sys.Userfault;
import stasis.resource.MappingKind;
import stasis.resource.MmState;
import stasis.resource.Program;
import stasis.resource.Step;
import stasis.resource.VmaState;
import stasis.tracee.Userfaults;
import stasis.tracee.stub.Stub;

/// Fills that need not be made before the tree runs: of private memory without a file, whose process bears nobody after
/// it. Its memory is registered with a userfaultfd instead, and a [PageServer] has the pages.
final class LateFills {
  private static final int O_NONBLOCK = 0x800;
  private static final long FEATURES = Uffd.FEATURE_EVENT_FORK | Uffd.FEATURE_EVENT_REMAP | Uffd.FEATURE_EVENT_REMOVE
      | Uffd.FEATURE_EVENT_UNMAP;
  /// Less is quicker put in at once.
  private static final long LATE_BYTES = 1L << 20;
  /// Locked, or in the lock of pages faulted; stacks that grow; not for children, or zeros for them; merged, sealed,
  /// droppable, with guards, of another page size.
  private static final List<String> EAGER = List.of("lo", "lf", "gd", "dc", "wf", "mg", "sl", "dp", "gu", "ht", "ss");
  /// Registered with a userfaultfd of the program's own.
  private static final List<String> WATCHED = List.of("um", "uw", "ui");

  private final ImageSource image;
  private final PageServer server;
  private final Set<Step.Fill> late;
  private final Map<ObjectId, LateSpace> spaces = new HashMap<>();

  LateFills(ImageSource image, PageServer server, Set<Step.Fill> late) {
    this.image = image;
    this.server = server;
    this.late = Set.copyOf(late);
  }

  /// Which fills of a program may be late.
  static Set<Step.Fill> of(Program program, Capture capture, ImageSource image) {
    var late = new HashSet<Step.Fill>();
    if (program.steps().stream().anyMatch(Step.MapWhereFree.class::isInstance)) {
      return late; // buffers may be registered with an io_uring: the kernel holds their pages from then on
    }
    Map<ObjectId, Map<RemoteAddress, VmaState>> eligible = new HashMap<>();
    capture.mms().forEach((id, mm) -> eligible.put(id, eligible(mm, capture)));
    for (Step step : program.steps()) {
      if (step instanceof Step.Fill fill && !fill.forced()
          && eligible.getOrDefault(fill.body(), Map.of()).containsKey(fill.to())
          && image.storedBytes(fill) >= LATE_BYTES) {
        late.add(fill);
      } else if (step instanceof Step.Spawn spawn && spawn.birth() instanceof Step.Birth.Child child) {
        // A child is born with all its parent has: that must be there by then.
        Optional.ofNullable(capture.tasks().get(child.parent()))
            .ifPresent(parent -> late.removeIf(fill -> fill.body().equals(parent.mm())));
      }
    }
    return late;
  }

  /// The vmas, by their starts, of which userfaultfd may put in pages that nobody else has.
  static Map<RemoteAddress, VmaState> eligible(MmState mm, Capture capture) {
    var eligible = new HashMap<RemoteAddress, VmaState>();
    // Born with pages of its parent's, some of which are to be others; or served by itself.
    if (mm.base().isPresent() || mm.vmas().stream().anyMatch(vma -> WATCHED.stream().anyMatch(vma::has))) {
      return eligible;
    }
    for (VmaState vma : mm.vmas()) {
      Capture.Item<?> item = GroupPlan.require(capture.items(), vma.backing());
      if (!vma.shared() && item.kind() instanceof MappingKind<?> kind && kind.mayBeFilledLate()
          && EAGER.stream().noneMatch(vma::has)) {
        eligible.put(vma.start(), vma);
      }
    }
    mm.attachments().forEach(attachment -> eligible.remove(attachment.vma()));
    return eligible;
  }

  boolean takes(Step step) {
    return step instanceof Step.Fill fill && late.contains(fill);
  }

  /// @return false where the kernel does not take this memory: fill it now
  boolean run(Step.Fill fill, Stub stub) throws SyscallException, StepFailedException {
    LateSpace space = spaces.get(fill.body());
    if (space == null) {
      Userfault uffd = Userfaults.open(stub, O_NONBLOCK);
      uffd.agree(FEATURES);
      space = new LateSpace(Optional.of(fill.body()), uffd, new MissingPages());
      spaces.put(fill.body(), space);
      server.add(space);
    }
    long end = fill.fromOffset() + fill.lengthBytes();
    MissingPages missing = space.missing();
    image.runs(fill.body()).ifPresent(runs -> runs.each(fill.fromOffset(), end, (PageRun run) -> {
      long from = Math.max(run.start(), fill.fromOffset());
      missing.add(new Piece(fill.to().bits() + from - fill.fromOffset(), Math.min(run.end(), end) - from,
          run.sectionOffset() + from - run.start()));
    }));
    long registered = space.uffd().register(fill.to(), fill.lengthBytes(), Uffd.REGISTER_MODE_MISSING);
    if (Errno.isError(registered)) {
      missing.remove(fill.to().bits(), fill.to().bits() + fill.lengthBytes());
      return false;
    }
    return true;
  }
}

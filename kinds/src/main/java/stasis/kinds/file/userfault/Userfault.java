package stasis.kinds.file.userfault;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.Uffd;
import stasis.procfs.Smaps;
import stasis.procfs.VmFlag;
import stasis.resource.Arg;
import stasis.resource.Extent;
import stasis.resource.FileKind;
import stasis.resource.FrozenGroup;
import stasis.resource.HiddenFaults;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A userfaultfd(2) of private anonymous memory: what was agreed on, the ranges registered with it, and which of their
/// pages are write-protected. Who waited for a page when it was frozen meets the fault again, as after any signal.
public final class Userfault implements FileKind<Userfault.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.userfault", 1);
  /// UFFD_FEATURE_INITIALIZED (fs/userfaultfd.c): that there was an agreement.
  private static final int AGREED = 1 << 31;
  private static final String REMEDY = "let the program unregister it (UFFDIO_UNREGISTER), or close it";

  /// @param modes `REGISTER_MODE_` bits of [Uffd] @param writeProtected pages in it
  record Range(@Tag(1) Extent pages, @Tag(2) int modes, @Tag(3) List<Extent> writeProtected) {
    Range {
      writeProtected = List.copyOf(writeProtected);
    }
  }

  /// @param creation flags of userfaultfd(2) @param flags of the description
  /// @param agreed whether there was an agreement on the interface, with these features
  record State(@Tag(1) int creation, @Tag(2) int flags, @Tag(3) boolean agreed, @Tag(4) int features,
      @Tag(5) List<Range> ranges) {
    State {
      ranges = List.copyOf(ranges);
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.link().equals("anon_inode:[userfaultfd]");
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    HiddenFaults hidden = file.hiddenFaults().orElseThrow(() -> refused(file, "whose memory it watches cannot be told",
        "run with CAP_BPF and CAP_PERFMON"));
    if (!hidden.ofHolder()) {
      throw refused(file, "it watches the memory of another process, or of one that is gone", REMEDY);
    }
    FrozenGroup group = file.task().group();
    if (group.treeFiles().stream().anyMatch(other -> !other.id().equals(file.id()) && recognises(other)
        && other.task().group().mm().equals(group.mm()))) {
      throw refused(file, "the process has another one: which memory belongs to which cannot be told", REMEDY);
    }
    int features = (int) Long.parseLong(file.info().fields().required("API").split(":", -1)[1], 16);
    if ((features & Uffd.FEATURE_EVENT_FORK) != 0) {
      throw refused(file, "it is told of children (UFFD_FEATURE_EVENT_FORK): a fork waits for that, also that of a"
          + " snapshot", "agree on it without");
    }
    return new State(hidden.userModeOnly() ? Uffd.USER_MODE_ONLY : 0, OpenFlags.of(file), (features & AGREED) != 0,
        features & ~AGREED, ranges(file, group));
  }

  private static List<Range> ranges(OpenFile file, FrozenGroup group) throws ObstructedException {
    var ranges = new ArrayList<Range>();
    for (Smaps.Entry entry : Smaps.parse(group.proc("smaps").orElse("")).entries()) {
      int modes = (entry.flags().has(VmFlag.UM) ? (int) Uffd.REGISTER_MODE_MISSING : 0)
          | (entry.flags().has(VmFlag.UW) ? (int) Uffd.REGISTER_MODE_WP : 0);
      if (modes != 0) {
        if (entry.flags().has(VmFlag.LO)) {
          throw refused(file, "memory registered with it is locked (mlock(2))", REMEDY);
        }
        RemoteAddress start = entry.vma().address();
        long length = entry.vma().lengthBytes();
        ranges.add(new Range(new Extent(start, length), modes, (modes & Uffd.REGISTER_MODE_WP) == 0 ? List.of()
            : group.writeProtectedPages(start, length)));
      }
    }
    return ranges;
  }

  private static ObstructedException refused(OpenFile file, String reason, String remedy) {
    return new ObstructedException(file.subject(), "a userfaultfd cannot be carried as it is: " + reason, remedy);
  }

  @Override
  public List<Loss> losses(State state) {
    return state.ranges().isEmpty() ? List.of() : List.of(Loss.of("a fault that was read from it and not resolved yet"
        + " is told again"));
  }

  /// It is of the memory of who makes it, and that must be whole.
  @Override
  public boolean isLate(State state) {
    return true;
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> fd = script.call(Nr.USERFAULTFD, "a userfaultfd",
        Arg.imm(state.creation() | state.flags() & OpenFlags.O_NONBLOCK));
    if (state.agreed()) {
      script.call(Nr.IOCTL, "agree on features", Arg.result(fd), Arg.imm(Uffd.IOCTL_API),
          Arg.data(Bytes.ofU64(Uffd.API, state.features() & 0xffffffffL, 0)));
    }
    return fd;
  }

  @Override
  public void connect(State state, Fd self, Script script, Refs refs) {
    for (Range range : state.ranges()) {
      Extent pages = range.pages();
      script.call(Nr.IOCTL, "memory registered with it", Arg.imm(self.value()), Arg.imm(Uffd.IOCTL_REGISTER),
          Arg.data(Bytes.ofU64(pages.start().bits(), pages.lengthBytes(), range.modes(), 0)));
      for (Extent some : range.writeProtected()) {
        script.call(Nr.IOCTL, "write-protected pages", Arg.imm(self.value()), Arg.imm(Uffd.IOCTL_WRITEPROTECT),
            Arg.data(Bytes.ofU64(some.start().bits(), some.lengthBytes(), Uffd.WRITEPROTECT_MODE_WP)));
      }
    }
  }
}

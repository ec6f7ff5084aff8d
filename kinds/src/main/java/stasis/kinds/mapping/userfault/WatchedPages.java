package stasis.kinds.mapping.userfault;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.procfs.VmFlag;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.Extent;
import stasis.resource.Mapping;
import stasis.resource.MappingAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// Pages of memory registered with a userfaultfd(2) that hold the kernel's page of zeros: elsewhere as good as none,
/// here a page that is not missing. And those that are missing must stay so: no huge page may cover them while the
/// memory is filled.
public final class WatchedPages implements MappingAspect<WatchedPages.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.userfault", 1);
  private static final int PR_SET_THP_DISABLE = 41;

  record State(@Tag(1) List<Extent> zeros) {
    State {
      zeros = List.copyOf(zeros);
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(Mapping mapping, Answers answers) throws ObstructedException {
    boolean missing = mapping.flags().has(VmFlag.UM);
    if (mapping.flags().has(VmFlag.UI)) {
      throw refused(mapping, "registered with a userfaultfd for minor faults (UFFDIO_REGISTER_MODE_MINOR)");
    }
    boolean watched = missing || mapping.flags().has(VmFlag.UW);
    // Somebody outside has writes noted, as tracking does: nothing of the program's.
    if (!watched || !missing && mapping.group().notesWrites(mapping.vma().address(), mapping.vma().lengthBytes())) {
      return Optional.empty();
    }
    if (mapping.vma().shared() || mapping.vma().inode() != 0 || mapping.flags().has(VmFlag.HT)) {
      throw refused(mapping, "shared memory, huge pages or a file registered with a userfaultfd");
    }
    if (mapping.group().treeFiles().stream().noneMatch(file -> file.link().equals("anon_inode:[userfaultfd]")
        && file.task().group().mm().equals(mapping.group().mm()))) {
      throw refused(mapping, "registered with a userfaultfd that this process does not have");
    }
    return Optional.of(new State(mapping.group().zeroPages(mapping.vma().address(), mapping.vma().lengthBytes())));
  }

  private static ObstructedException refused(Mapping mapping, String what) {
    return new ObstructedException(mapping.subject(), "it is " + what, "let the program unregister it"
        + " (UFFDIO_UNREGISTER)");
  }

  /// Whether huge pages are allowed is the mm's own, and set when all files are at their places.
  @Override
  public void mapped(Optional<State> state, VmaState vma, Script script) {
    if (state.isPresent()) {
      script.call(Nr.PRCTL, "no huge pages meanwhile", Arg.imm(PR_SET_THP_DISABLE), Arg.imm(1), Arg.imm(0), Arg.imm(0),
          Arg.imm(0));
    }
  }

  @Override
  public void restore(Optional<State> state, VmaState vma, Script script) {
    state.map(State::zeros).orElse(List.of()).forEach(pages -> script.call(Nr.MADVISE, "pages of zeros",
        Arg.address(pages.start()), Arg.imm(pages.lengthBytes()), Arg.imm(Mman.MADV_POPULATE_READ)));
  }
}

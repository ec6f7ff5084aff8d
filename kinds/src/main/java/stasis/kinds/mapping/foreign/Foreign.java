package stasis.kinds.mapping.foreign;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Fd;
import stasis.procfs.FileStat;
import stasis.procfs.VmFlag;
import stasis.resource.Host;
import stasis.resource.Mapping;
import stasis.resource.MappingKind;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// Every mapping no other kind took: refused, by its name. Last in match order.
public final class Foreign implements MappingKind<Foreign.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.foreign", 1);
  private static final String UNMAP = "let the program unmap it before the checkpoint";

  /// Never stored: a checkpoint with such a mapping is refused.
  record State(@Tag(1) String reason) {}

  private record Refusal(String reason, String remedy) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(Mapping mapping) {
    return true;
  }

  @Override
  public String key(Mapping mapping) {
    return Long.toHexString(mapping.vma().start());
  }

  @Override
  public State checkpoint(Mapping mapping) throws ObstructedException {
    Refusal refusal = refusal(mapping);
    throw new ObstructedException(mapping.subject(), refusal.reason(), refusal.remedy());
  }

  private static Refusal refusal(Mapping mapping) {
    String name = mapping.vma().name();
    if (name.startsWith("/anon_hugepage") && !mapping.vma().shared()) {
      return new Refusal("a private mapping of shared memory in huge pages of hugetlbfs cannot be carried", UNMAP);
    } else if (name.startsWith("/anon_hugepage")) {
      return new Refusal("the size of shared memory in huge pages of hugetlbfs cannot be told",
          "run with CAP_CHECKPOINT_RESTORE");
    } else if (mapping.flags().has(VmFlag.HT)) {
      return new Refusal("memory in huge pages of a deleted file of hugetlbfs cannot be carried",
          "give the file a name, or use memfd_create(2)");
    } else if (name.startsWith("/secretmem")) {
      return new Refusal("secret memory (memfd_secret) can be read by nobody but its task", UNMAP);
    } else if (name.startsWith("anon_inode:[io_uring]")) {
      return new Refusal("the rings of an io_uring that no descriptor of the program leads to any more cannot be carried",
          "let the program unmap them");
    } else if (name.startsWith("anon_inode:[perf_event]")) {
      return new Refusal("the buffer of a performance counter cannot be carried", "stop profiling the program");
    } else if (name.startsWith("socket:") || name.startsWith("anon_inode:") || name.startsWith("/dmabuf:")) {
      return new Refusal("a mapping of " + name + " cannot be carried", UNMAP);
    } else if (name.equals("[uprobes]")) {
      return new Refusal("a uprobe is set in the program", "remove the probe, or end the tracer that set it");
    }
    return mapping.facts().map(Foreign::ofFile).orElseGet(() -> mapping.vma().isFile()
        ? new Refusal("the file's path does not lead to it: it was moved, covered by a mount, or may not be looked at",
            "run with CAP_CHECKPOINT_RESTORE, or undo the mount")
        : new Refusal("no kind knows this mapping", UNMAP));
  }

  private static Refusal ofFile(FileStat facts) {
    return switch (facts.type()) {
      case FileStat.S_IFCHR, FileStat.S_IFBLK -> new Refusal("memory of a device cannot be carried",
          "let the program close the device before the checkpoint");
      case FileStat.S_IFREG -> new Refusal(
          "the file is called as if it were deleted, or was deleted under one of several names",
          "give it back its name, or remove its other names");
      default -> new Refusal("a mapping of this type of file cannot be carried", UNMAP);
    };
  }

  /// A statefile that holds one was not written by a checkpoint.
  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return List.of(new Obstacle.Unsupported("mapping", state.reason(), ""));
  }

  @Override
  public Pages pages(State state) {
    return Pages.NONE;
  }

  @Override
  public Optional<Ref<Fd>> open(State state, Script script, Refs refs) {
    throw new IllegalStateException("an obstructed plan is not written");
  }

  @Override
  public void map(State state, VmaState vma, int prot, Optional<Ref<Fd>> file, Script script, Refs refs) {
    throw new IllegalStateException("an obstructed plan is not written");
  }
}

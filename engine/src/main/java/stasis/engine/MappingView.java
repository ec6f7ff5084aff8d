package stasis.engine;

import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.procfs.FileStat;
import stasis.procfs.ProcException;
import stasis.procfs.Vma;
import stasis.procfs.VmFlag;
import stasis.procfs.VmFlags;
import stasis.resource.BodyKey;
import stasis.resource.Extent;
import stasis.resource.FrozenGroup;
import stasis.resource.Mapping;
import stasis.resource.ObstructedException;

/// One vma of a frozen mm.
final class MappingView implements Mapping {
  private static final String NO_POLICY = "default";

  private final TreeView tree;
  private final GroupView group;
  private final MmView mm;
  private final int index;

  /// @param index of the vma in the mm
  MappingView(TreeView tree, GroupView group, MmView mm, int index) {
    this.tree = tree;
    this.group = group;
    this.mm = mm;
    this.index = index;
  }

  private VmaFacts entry() {
    return mm.entries().get(index);
  }

  @Override
  public FrozenGroup group() {
    return group;
  }

  @Override
  public Vma vma() {
    return entry().vma();
  }

  @Override
  public VmFlags flags() {
    return entry().flags();
  }

  MappingCollector.Writes writes() {
    return MappingCollector.Writes.of(entry());
  }

  @Override
  public String subject() {
    return group.subject() + " vma " + entry().vma();
  }

  /// By map_files where that is allowed, else by the path, believed only if device and inode are those of the vma.
  @Override
  public Optional<FileStat> facts() {
    if (!entry().vma().isFile()) {
      return Optional.empty();
    }
    try {
      return Optional.of(tree.proc().task(group.leader().tid()).mapFile(entry().vma()).stat());
    } catch (ProcException denied) {
      return entry().vma().path().flatMap(HostFiles::stat)
          .filter(stat -> stat.inode() == entry().vma().inode() && stat.device().equals(entry().vma().device()));
    }
  }

  @Override
  public Optional<Mapping> before() {
    return neighbour(index - 1).filter(other -> other.vma().end() == vma().start());
  }

  @Override
  public Optional<Mapping> after() {
    return neighbour(index + 1).filter(other -> other.vma().start() == vma().end());
  }

  private Optional<Mapping> neighbour(int other) {
    return other < 0 || other >= mm.entries().size() ? Optional.empty()
        : Optional.of(new MappingView(tree, group, mm, other));
  }

  @Override
  public boolean mayHavePolicy() {
    return entry().mayHavePolicy().orElseGet(() -> !policy().equals(NO_POLICY));
  }

  @Override
  public String policy() {
    return entry().mayHavePolicy().orElse(true) ? mm.policy(vma().start()) : NO_POLICY;
  }

  @Override
  public List<Extent> guards() {
    return flags().has(VmFlag.GU) ? mm.guards(vma()) : List.of();
  }

  @Override
  public long pageBytes() {
    return entry().pageBytes();
  }

  @Override
  public int protectionKey() {
    return entry().protectionKey().orElse(0);
  }

  @Override
  public ObjectId body(BodyKey key) {
    return tree.body(key, this);
  }

  @Override
  public Bytes peek(long offset, int lengthBytes) throws ObstructedException {
    try {
      return mm.memory().read(new RemoteAddress(entry().vma().start() + offset), lengthBytes);
    } catch (SyscallException e) {
      throw new ObstructedException(subject(), e, "");
    }
  }
}

package stasis.kinds.mapping.privatefile;

import java.lang.invoke.MethodHandles;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.procfs.VmFlag;
import stasis.resource.Arg;
import stasis.resource.Host;
import stasis.resource.HostFile;
import stasis.resource.Loss;
import stasis.resource.Mapping;
import stasis.resource.MappingKind;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// A private mapping of a regular file that still has its path: programs, libraries, locales. Pages the task wrote are
/// stored; all others stay in the file, which must therefore hold the same bytes at restore.
public final class PrivateFile implements MappingKind<PrivateFile.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.privatefile", 1);

  /// @param device st_dev and @param inode st_ino, told only: another host has others @param modifiedNs mtime, ns
  ///     since the epoch, told only: a copy of a file has another @param checked range of the file whose bytes must be
  ///     the same
  record State(@Tag(1) PathBytes path, @Tag(2) long device, @Tag(3) long inode, @Tag(4) long sizeBytes,
      @Tag(5) long modifiedNs, @Tag(6) Optional<Checked> checked) {}

  /// @param checksum as [Host#checksum]
  record Checked(@Tag(1) long offset, @Tag(2) long lengthBytes, @Tag(3) long checksum) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(Mapping mapping) {
    return !mapping.vma().shared() && !mapping.vma().isDeleted() && mapping.vma().path().isPresent()
        && mapping.facts().filter(facts -> facts.type() == FileStat.S_IFREG && facts.links() > 0).isPresent();
  }

  @Override
  public String key(Mapping mapping) {
    return mapping.vma().device() + " " + mapping.vma().inode() + " " + mapping.vma().name();
  }

  @Override
  public State checkpoint(Mapping mapping) {
    FileStat facts = mapping.facts().orElseThrow();
    return new State(mapping.vma().path().orElseThrow(), facts.device().stat(), facts.inode(), facts.sizeBytes(),
        modifiedNs(facts), Optional.empty());
  }

  private static long modifiedNs(FileStat facts) {
    return ChronoUnit.NANOS.between(Instant.EPOCH, facts.modified());
  }

  /// The checksum is taken from the file while the task may run again, so the file must still be what it was when the
  /// task was stopped.
  @Override
  public State settle(State state, List<VmaState> vmas, Host host) throws ObstructedException {
    Optional<FileStat> now = host.file(state.path());
    boolean same = now.filter(facts -> facts.inode() == state.inode() && facts.device().stat() == state.device()
        && facts.sizeBytes() == state.sizeBytes() && modifiedNs(facts) == state.modifiedNs()).isPresent();
    if (!same) {
      throw new ObstructedException(new Obstacle.Changed("mapped file " + state.path(), told(state),
          now.map(PrivateFile::told).orElse("nothing"),
          "its path must lead to the mapped file, and the file must not change during a checkpoint"));
    }
    long from = vmas.stream().mapToLong(VmaState::offset).min().orElse(0);
    long to = Math.min(state.sizeBytes(), vmas.stream().mapToLong(v -> v.offset() + v.lengthBytes()).max().orElse(0));
    if (from >= to) {
      return state;
    }
    Optional<Checked> checked = host.checksum(state.path(), from, to - from)
        .map(sum -> new Checked(from, to - from, sum));
    return new State(state.path(), state.device(), state.inode(), state.sizeBytes(), state.modifiedNs(), checked);
  }

  private static String told(State state) {
    return "inode " + state.inode() + " of " + state.sizeBytes() + " bytes, modified at " + state.modifiedNs() + " ns";
  }

  private static String told(FileStat facts) {
    return "inode " + facts.inode() + " of " + facts.sizeBytes() + " bytes, modified at " + modifiedNs(facts) + " ns";
  }

  @Override
  public List<Loss> losses(State state) {
    return state.checked().isPresent() || state.sizeBytes() == 0 ? List.of()
        : List.of(new Loss("mapped file " + state.path() + " is checked by its size only: it cannot be read",
            "make it readable"));
  }

  /// A description that is not settled yet has no checksum either.
  @Override
  public List<Loss> losses(State state, Host host) {
    return host.checksum(state.path(), 0, 1).isPresent() ? List.of() : losses(state);
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    String subject = "mapped file " + state.path();
    Optional<FileStat> found = host.file(state.path());
    if (found.isEmpty() || found.get().type() != FileStat.S_IFREG) {
      return List.of(new Obstacle.Changed(subject, "a file of " + state.sizeBytes() + " bytes" + state.checked()
          .map(c -> ", CRC32C and CRC32 of %d bytes at %d %016x".formatted(c.lengthBytes(), c.offset(), c.checksum()))
          .orElse(""), found.isEmpty() ? "nothing" : "no regular file", "put the file back"));
    }
    var obstacles = new ArrayList<Obstacle>();
    if (found.get().sizeBytes() != state.sizeBytes()) {
      obstacles.add(new Obstacle.Changed(subject, told(state), told(found.get()), "put the old file back"));
    } else {
      state.checked().filter(checked -> !host.checksum(state.path(), checked.offset(), checked.lengthBytes())
          .equals(Optional.of(checked.checksum()))).ifPresent(_ -> obstacles.add(new Obstacle.Changed(subject,
              "the contents it had, " + told(state), "others, " + told(found.get()), "put the old file back")));
    }
    return obstacles;
  }

  @Override
  public List<HostFile> hostFiles(State state) {
    return List.of(new HostFile(state.path(), false));
  }

  @Override
  public Pages pages(State state) {
    return Pages.PRIVATE;
  }

  @Override
  public Optional<Ref<Fd>> open(State state, Script script, Refs refs) {
    return Optional.of(script.call(Nr.OPENAT, "file to map", Arg.imm(Open.AT_FDCWD), Arg.path(state.path()),
        Arg.imm(Open.O_RDONLY | Open.O_CLOEXEC)));
  }

  @Override
  public void map(State state, VmaState vma, int prot, Optional<Ref<Fd>> file, Script script, Refs refs) {
    int noReserve = vma.has(VmFlag.NR.code()) ? Mman.MAP_NORESERVE : 0;
    script.callExpecting(vma.start().bits(), Nr.MMAP, "map " + state.path(), Arg.address(vma.start()),
        Arg.imm(vma.lengthBytes()), Arg.imm(prot), Arg.imm(Mman.MAP_PRIVATE | Mman.MAP_FIXED_NOREPLACE | noReserve),
        Arg.result(file.orElseThrow()), Arg.imm(vma.offset()));
  }
}

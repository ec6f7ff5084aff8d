package stasis.kinds.mapping.vdso;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.resource.Host;
import stasis.resource.Mapping;
import stasis.resource.MappingKind;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.VdsoImage;
import stasis.resource.VmaState;

/// The vdso and its data pages (vdso(7)): code and data of the running kernel, mapped anew by it where they were, in
/// one piece. The task's stack, registers and libraries hold addresses into it, so the restoring kernel's must be the
/// same.
public final class Vdso implements MappingKind<Vdso.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.vdso", 1);
  private static final int MAX_BYTES = 1 << 20;

  /// One of its vmas.
  enum Part {
    DATA("[vvar]"), CLOCK("[vvar_vclock]"), CODE("[vdso]"), VSYSCALL("[vsyscall]");

    private final String label;

    Part(String label) {
      this.label = label;
    }
  }

  /// @param digest of the code, see [VdsoImage]; of CODE only
  record State(@Tag(1) Part part, @Tag(2) Optional<Bytes> digest) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(Mapping mapping) {
    return part(mapping).isPresent();
  }

  private static Optional<Part> part(Mapping mapping) {
    if (!mapping.vma().isSpecial()) {
      return Optional.empty();
    }
    for (Part part : Part.values()) {
      if (part.label.equals(mapping.vma().name())) {
        return Optional.of(part);
      }
    }
    return Optional.empty();
  }

  @Override
  public String key(Mapping mapping) {
    return mapping.vma().name() + " " + mapping.vma().start();
  }

  @Override
  public State checkpoint(Mapping mapping) throws ObstructedException {
    Part part = part(mapping).orElseThrow();
    switch (part) {
      case DATA -> requireNeighbour(mapping, mapping.after(), List.of(Part.CLOCK, Part.CODE));
      case CLOCK -> {
        requireNeighbour(mapping, mapping.before(), List.of(Part.DATA));
        requireNeighbour(mapping, mapping.after(), List.of(Part.CODE));
      }
      case CODE -> requireNeighbour(mapping, mapping.before(), List.of(Part.DATA, Part.CLOCK));
      case VSYSCALL -> {
        return new State(part, Optional.empty());
      }
    }
    return new State(part, part == Part.CODE ? Optional.of(digest(mapping)) : Optional.empty());
  }

  /// The kernel maps all of it or nothing (arch/x86/entry/vdso/vma.c, map_vdso()).
  private static void requireNeighbour(Mapping mapping, Optional<Mapping> neighbour, List<Part> expected)
      throws ObstructedException {
    if (neighbour.flatMap(Vdso::part).filter(expected::contains).isEmpty()) {
      throw new ObstructedException(mapping.subject(), "the program moved or unmapped a part of its vdso", "");
    }
  }

  private static Bytes digest(Mapping mapping) throws ObstructedException {
    if (mapping.vma().lengthBytes() > MAX_BYTES) {
      throw new ObstructedException(mapping.subject(), "the vdso is larger than " + MAX_BYTES + " bytes", "");
    }
    Bytes image = mapping.peek(0, (int) mapping.vma().lengthBytes());
    try {
      return VdsoImage.digest(image);
    } catch (IllegalArgumentException e) {
      throw new ObstructedException(mapping.subject(), "it is not the vdso of a 64-bit program: " + e.getMessage(), "");
    }
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return state.digest().filter(digest -> !digest.equals(host.vdsoDigest())).map(_ -> List.<Obstacle>of(
        new Obstacle.HostLacks("vdso", "this kernel's vdso is not the one the program was started with",
            "restore on the kernel the checkpoint was made on"))).orElse(List.of());
  }

  @Override
  public Pages pages(State state) {
    return Pages.NONE;
  }

  @Override
  public Optional<Ref<Fd>> open(State state, Script script, Refs refs) {
    return Optional.empty();
  }

  /// One step maps all parts; the data pages are the lowest. The vsyscall page is in every mm.
  @Override
  public void map(State state, VmaState vma, int prot, Optional<Ref<Fd>> file, Script script, Refs refs) {
    if (state.part() == Part.DATA) {
      script.mapVdso(vma.start(), "vdso and its data");
    }
  }
}

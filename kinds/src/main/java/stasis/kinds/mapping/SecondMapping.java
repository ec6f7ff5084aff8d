package stasis.kinds.mapping;

import stasis.image.ObjectId;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Arg;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// A vma made as a second mapping of shared memory that lies mapped elsewhere.
public final class SecondMapping {
  private SecondMapping() {}

  /// mremap(2) with an old size of 0 makes a second mapping of shared pages, but knows no MAP_FIXED_NOREPLACE: so the
  /// place is first taken by a mapping that does.
  ///
  /// @param from where the start of `body` lies mapped @param has PROT_ bits of that mapping
  /// @param prot what the vma is to have
  public static void map(ObjectId body, RemoteAddress from, int has, VmaState vma, int prot, Script script) {
    Arg at = Arg.address(vma.start());
    Arg length = Arg.imm(vma.lengthBytes());
    script.callExpecting(vma.start().bits(), Nr.MMAP, "take the place of shared memory", at, length,
        Arg.imm(Mman.PROT_NONE),
        Arg.imm(Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS | Mman.MAP_NORESERVE | Mman.MAP_FIXED_NOREPLACE), Arg.imm(-1),
        Arg.imm(0));
    script.callExpecting(vma.start().bits(), Nr.MREMAP, "map body " + body + " there too",
        Arg.address(from.plus(vma.offset())), Arg.imm(0), length,
        Arg.imm(Mman.MREMAP_MAYMOVE | Mman.MREMAP_FIXED), at);
    if (prot != has) {
      script.call(Nr.MPROTECT, "its protection", at, length, Arg.imm(prot));
    }
  }
}

package stasis.kinds.mapping.lock;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import java.util.Set;
import stasis.image.Schema;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.procfs.VmFlag;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.Mapping;
import stasis.resource.MappingAspect;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// mlock2(2) of single vmas, replayed from VmFlags `lo` and `lf`.
public final class Lock implements MappingAspect<Lock.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.lock", 1);

  /// Nothing beyond [VmaState]; never stored.
  record State() {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(Mapping mapping, Answers answers) {
    return Optional.empty();
  }

  /// MLOCK_ONFAULT first: it fails for want of a limit only. The plain lock after it may fail with ENOMEM where a page
  /// cannot be faulted in (PROT_NONE, guard regions, beyond a file's end), yet leaves the vma locked (mm/mlock.c,
  /// do_mlock() and __mm_populate()).
  @Override
  public void restore(Optional<State> state, VmaState vma, Script script) {
    if (!vma.has(VmFlag.LO.code())) {
      return;
    }
    Arg at = Arg.address(vma.start());
    Arg length = Arg.imm(vma.lengthBytes());
    script.call(Nr.MLOCK2, "lock pages as they come", at, length, Arg.imm(Mman.MLOCK_ONFAULT));
    if (!vma.has(VmFlag.LF.code())) {
      script.callTolerating(Set.of(Errno.ENOMEM), Nr.MLOCK2, "lock all pages", at, length, Arg.imm(0));
    }
  }
}

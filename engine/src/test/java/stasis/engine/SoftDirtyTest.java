package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.abi.Uffd;
import stasis.linux.sys.Syscalls;
import stasis.linux.sys.Userfault;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.tracee.MemoryFile;
import stasis.tracee.RemoteMemory;

/// What soft-dirty bits prove, tried on memory of our own: each line of the table in docs/designs/tracking.md that one
/// process can show.
class SoftDirtyTest {
  private static final long PAGE = 4096;
  private static final long TABLE = 512 * PAGE;
  private static final long BYTES = 2 * TABLE;
  private static final int PROT_READ = 1;
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
  private static final int MAP_FIXED = 0x10;
  private static final int MADV_DONTNEED = 4;
  private static final int MADV_MERGEABLE = 12;
  private static final int MADV_NOHUGEPAGE = 15;
  private static final int MREMAP_MAYMOVE_FIXED = 3;

  private final Tid self = new Tid((int) Syscalls.call(Nr.GETPID));
  private final Arena arena = Arena.ofConfined();
  private long mapped;
  /// Two page tables full of written pages; then as many of others.
  private long first;
  private long second;

  @BeforeEach
  void maps() throws SyscallException {
    assumeTrue(Noting.here() == Noting.SOFT_DIRTY,
        "missing: soft-dirty bits on a kernel without PAGEMAP_SCAN (CONFIG_MEM_SOFT_DIRTY, before Linux 6.7)");
    mapped = Syscalls.require("map", Nr.MMAP, 0, 3 * BYTES, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
    first = (mapped + TABLE - 1) / TABLE * TABLE;
    second = first + BYTES;
    Syscalls.require("advise", Nr.MADVISE, first, 2 * BYTES, MADV_NOHUGEPAGE);
    for (long at = first; at < second + BYTES; at += PAGE) {
      write(at);
    }
  }

  @AfterEach
  void unmaps() {
    if (mapped != 0) {
      Syscalls.call(Nr.MUNMAP, mapped, 3 * BYTES);
    }
    arena.close();
  }

  private void write(long address) throws SyscallException {
    MemorySegment bytes = arena.allocate(8);
    bytes.fill((byte) 7);
    new RemoteMemory(self).write(new RemoteAddress(address), bytes);
  }

  private void read(long address) throws SyscallException {
    try (MemoryFile memory = new MemoryFile(self)) {
      memory.read(new RemoteAddress(address), arena.allocate(8));
    }
  }

  private interface Act {
    void run() throws SyscallException, ProcException;
  }

  /// The pages of the first two tables, by number, that count as not written after something was done.
  private List<PageScan.Run> unwrittenAfter(Act act) throws SyscallException, ProcException {
    try (Userfault _ = registered()) {
      SoftDirty.clear(self);
      List<SoftDirty.Canary> canaries = SoftDirty.of(Proc.live(), self).plant();
      act.run();
      SoftDirty bits = SoftDirty.of(Proc.live(), self);
      assertThat(bits.stand(canaries)).isTrue();
      var ours = new Intervals();
      ours.add(first, first + BYTES);
      return bits.unwritten().and(ours).runs();
    }
  }

  private Userfault registered() throws SyscallException {
    var userfault = new Userfault(new Fd((int) Syscalls.require("userfaultfd", Nr.USERFAULTFD, Uffd.USER_MODE_ONLY)));
    userfault.agree(0);
    assertThat(userfault.register(new RemoteAddress(first), 2 * BYTES, Uffd.REGISTER_MODE_WP)).isZero();
    return userfault;
  }

  private PageScan.Run run(long page, long pages) {
    return new PageScan.Run(new RemoteAddress(first + page * PAGE), pages * PAGE);
  }

  @Test
  void allCountsAsNotWrittenWhereNobodyWrote() throws Exception {
    assertThat(unwrittenAfter(() -> read(first))).isEqualTo(List.of(run(0, 1024)));
  }

  @Test
  void aWrittenPageDoesNot() throws Exception {
    assertThat(unwrittenAfter(() -> write(first + 3 * PAGE))).isEqualTo(List.of(run(0, 3), run(4, 1020)));
  }

  @Test
  void aPageThatWasDroppedAndReadDoesNot() throws Exception {
    assertThat(unwrittenAfter(() -> {
      Syscalls.require("drop", Nr.MADVISE, first, 4 * PAGE, MADV_DONTNEED);
      read(first + PAGE);
      write(first + 2 * PAGE);
    })).isEqualTo(List.of(run(4, 1020)));
  }

  @Test
  void memoryThatWasMappedAnewDoesNotThoughItIsAsFullAsBefore() throws Exception {
    assertThat(unwrittenAfter(() -> {
      Syscalls.require("map", Nr.MMAP, first, 16 * PAGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS | MAP_FIXED, -1, 0);
      for (int i = 0; i < 16; i++) {
        write(first + i * PAGE);
      }
    })).isEqualTo(List.of(run(16, 1008)));
  }

  @Test
  void whatMovedThereWithItsPageTablesDoesNot() throws Exception {
    assertThat(unwrittenAfter(() -> Syscalls.require("move", Nr.MREMAP, second, TABLE, TABLE, MREMAP_MAYMOVE_FIXED,
        first))).isEqualTo(List.of(run(512, 512)));
  }

  @Test
  void whatMovedThereUnregisteredDoesNot() throws Exception {
    assertThat(unwrittenAfter(() -> {
      // Registration gone first, the kernel may move page tables as they are, with bits that say: not written.
      Syscalls.require("move", Nr.MREMAP, second, TABLE, TABLE, MREMAP_MAYMOVE_FIXED, second + TABLE);
      SoftDirty.clear(self);
      SoftDirty.of(Proc.live(), self).plant();
      Syscalls.require("move", Nr.MREMAP, second + TABLE, TABLE, TABLE, MREMAP_MAYMOVE_FIXED, first);
    })).isEqualTo(List.of(run(512, 512)));
  }

  @Test
  void whatEqualPagesAreMergedInDoesNot() throws Exception {
    assertThat(unwrittenAfter(() -> Syscalls.require("advise", Nr.MADVISE, first, TABLE, MADV_MERGEABLE)))
        .isEqualTo(List.of(run(512, 512)));
  }

  @Test
  void protectionMayComeAndGo() throws Exception {
    assertThat(unwrittenAfter(() -> {
      Syscalls.require("protect", Nr.MPROTECT, first, TABLE, PROT_READ);
      Syscalls.require("protect", Nr.MPROTECT, first, TABLE, PROT_READ_WRITE);
      write(first);
    })).isEqualTo(List.of(run(1, 1023)));
  }

  @Test
  void whenSomebodyElseClearsTheBitsTheCanariesTell() throws Exception {
    try (Userfault _ = registered()) {
      SoftDirty.clear(self);
      List<SoftDirty.Canary> canaries = SoftDirty.of(Proc.live(), self).plant();
      assertThat(canaries).isNotEmpty();
      assertThat(SoftDirty.of(Proc.live(), self).stand(canaries)).isTrue();
      write(first);
      SoftDirty.clear(self);
      assertThat(SoftDirty.of(Proc.live(), self).stand(canaries)).isFalse();
      assertThat(SoftDirty.of(Proc.live(), self).stand(List.of())).isFalse();
    }
  }
}

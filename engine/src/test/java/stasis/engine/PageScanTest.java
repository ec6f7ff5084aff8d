package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.tracee.MemoryFile;
import stasis.tracee.RemoteMemory;

/// Pages of our own are what they are by either way of asking the kernel.
class PageScanTest {
  private static final long PAGE = 4096;
  private static final long HUGE = 2 << 20;
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE = 2;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
  private static final int MADV_HUGEPAGE = 14;
  private static final int MADV_NOHUGEPAGE = 15;

  private final Tid self = new Tid((int) Syscalls.call(Nr.GETPID));
  private final Arena arena = Arena.ofConfined();
  private long start;

  @BeforeEach
  void maps() throws SyscallException {
    start = Syscalls.require("map", Nr.MMAP, 0, 3 * HUGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
    Syscalls.require("advise", Nr.MADVISE, start, 3 * HUGE, MADV_NOHUGEPAGE);
  }

  @AfterEach
  void unmaps() {
    Syscalls.call(Nr.MUNMAP, start, 3 * HUGE);
    arena.close();
  }

  private void write(long page) throws SyscallException {
    MemorySegment bytes = arena.allocate(8);
    bytes.fill((byte) 7);
    new RemoteMemory(self).write(new RemoteAddress(start + page * PAGE), bytes);
  }

  private void read(long page) throws SyscallException {
    try (MemoryFile memory = new MemoryFile(self)) {
      memory.read(new RemoteAddress(start + page * PAGE), arena.allocate(8));
    }
  }

  private PageScan.Run run(long page, long pages) {
    return new PageScan.Run(new RemoteAddress(start + page * PAGE), pages * PAGE);
  }

  @ParameterizedTest
  @EnumSource(PageScan.Source.class)
  void aWrittenPageIsItsOwnAndOneThatWasOnlyReadHoldsZeros(PageScan.Source source) throws SyscallException {
    write(1);
    write(2);
    read(4);
    read(512);
    write(1023);
    try (PageScan scan = new PageScan(self, source)) {
      assertThat(scan.ownPages(new RemoteAddress(start), 2 * HUGE)).isEqualTo(List.of(run(1, 2), run(1023, 1)));
      assertThat(scan.zeros(new RemoteAddress(start), 2 * HUGE)).isEqualTo(List.of(run(4, 1), run(512, 1)));
      assertThat(scan.guards(new RemoteAddress(start), 2 * HUGE)).isEmpty();
      assertThat(scan.writeProtected(new RemoteAddress(start), 2 * HUGE)).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(PageScan.Source.class)
  void ofAPrivateFileTheWrittenPagesAreItsOwn(PageScan.Source source) throws SyscallException {
    long fd = Syscalls.require("open", Nr.OPENAT, -100, arena.allocateFrom("/proc/self/exe").address(), 0);
    Syscalls.require("map", Nr.MMAP, start, 4 * PAGE, PROT_READ_WRITE, MAP_PRIVATE | 0x10, fd, 0);
    Syscalls.call(Nr.CLOSE, fd);
    read(0);
    read(1);
    write(2);
    try (PageScan scan = new PageScan(self, source)) {
      assertThat(scan.ownPages(new RemoteAddress(start), 4 * PAGE)).isEqualTo(List.of(run(2, 1)));
    }
  }

  @ParameterizedTest
  @EnumSource(PageScan.Source.class)
  void aHugePageIsToldFromSmallOnes(PageScan.Source source) throws SyscallException {
    long first = (start + HUGE - 1) / HUGE * HUGE;
    Syscalls.require("advise", Nr.MADVISE, first, HUGE, MADV_HUGEPAGE);
    write((first - start) / PAGE);
    write((first - start) / PAGE + 512);
    try (PageScan scan = new PageScan(self, source)) {
      assertThat(scan.huge(new RemoteAddress(start), 3 * HUGE))
          .isEqualTo(List.of(new PageScan.Run(new RemoteAddress(first), HUGE)));
    }
  }
}

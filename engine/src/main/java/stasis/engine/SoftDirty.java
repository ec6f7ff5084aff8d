package stasis.engine;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.procfs.Smaps;
import stasis.procfs.VmFlag;
import stasis.procfs.Vma;
import stasis.tracee.RemoteMemory;

/// The soft-dirty bits of a frozen mm (Documentation/admin-guide/mm/soft-dirty.rst). They are one for everybody: who
/// clears them takes from all others what was written before. [Canary]s tell.
final class SoftDirty {
  private static final int CANARIES_MOST = 4;
  private static final int WORD_BYTES = 8;
  private static final int AT_FDCWD = -100;
  private static final int O_WRONLY = 1;
  private static final int O_CLOEXEC = 0x80000;

  private final Tid task;
  private final List<Smaps.Entry> entries;

  SoftDirty(Tid task, Smaps smaps) {
    this.task = task;
    this.entries = smaps.entries();
  }

  static SoftDirty of(Proc proc, Tid task) throws ProcException {
    return new SoftDirty(task, proc.task(task).smaps());
  }

  /// A page that the program does not write, made soft-dirty by us right after all bits were cleared. Whoever clears them
  /// later clears this one.
  ///
  /// @param start and @param end of its vma
  record Canary(RemoteAddress page, RemoteAddress start, RemoteAddress end) {
    private boolean isIn(Smaps.Entry entry) {
      return entry.vma().start() == start.bits() && entry.vma().end() == end.bits() && isPlace(entry);
    }
  }

  /// Pages that a file's mapping had to copy and that are read-only since: what the dynamic linker had to relocate.
  private static boolean isPlace(Smaps.Entry entry) {
    Vma vma = entry.vma();
    return vma.isFile() && !vma.shared() && vma.readable() && !vma.writable() && !entry.flags().has(VmFlag.SD)
        && !entry.flags().has(VmFlag.HT) && !entry.flags().has(VmFlag.PF) && !entry.flags().has(VmFlag.IO);
  }

  /// Whether a userfaultfd has any of it.
  boolean isRegistered() {
    return entries.stream().anyMatch(entry -> entry.flags().has(VmFlag.UW));
  }

  /// The pages that nobody wrote since [#clear], if all canaries [#stand]. Only what has been registered with a
  /// userfaultfd ever since can be: mremap(2) may move page tables as a whole, with their bits, over memory that was
  /// there before, and what was moved is not registered any more. A page that others map as well may be the page of
  /// zeros; one that was merged with equal ones (KSM) has lost its bit.
  Intervals unwritten() throws SyscallException {
    var unchanged = new Intervals();
    try (PageScan scan = new PageScan(task)) {
      for (Smaps.Entry entry : entries) {
        if (MappingCollector.Writes.of(entry) == MappingCollector.Writes.UNKNOWN || !entry.flags().has(VmFlag.UW)
            || entry.flags().has(VmFlag.SD) || entry.flags().has(VmFlag.MG)) {
          continue;
        }
        for (PageScan.Run run : scan.notDirtied(entry.vma().address(), entry.vma().lengthBytes())) {
          unchanged.add(run.start().bits(), run.start().bits() + run.lengthBytes());
        }
      }
    }
    return unchanged;
  }

  /// Clears all bits of an mm, and with them what anybody else wanted to know.
  static void clear(Tid task) throws SyscallException {
    String attempt = "clear the soft-dirty bits of task " + task;
    try (Arena call = Arena.ofConfined()) {
      long fd = Syscalls.require(attempt, Nr.OPENAT, AT_FDCWD,
          call.allocateFrom("/proc/" + task + "/clear_refs").address(), O_WRONLY | O_CLOEXEC);
      try {
        Syscalls.require(attempt, Nr.WRITE, fd, call.allocateFrom("4").address(), 1);
      } finally {
        Syscalls.call(Nr.CLOSE, fd);
      }
    }
  }

  /// Of an mm whose bits were just cleared.
  ///
  /// @return empty where there is no place for one
  List<Canary> plant() throws SyscallException {
    var canaries = new ArrayList<Canary>();
    try (PageScan scan = new PageScan(task); Arena arena = Arena.ofConfined();
        Pagemap pagemap = new Pagemap(task, arena)) {
      for (Smaps.Entry entry : entries) {
        if (canaries.size() < CANARIES_MOST && isPlace(entry) && entry.anonymousKib() > 0) {
          Optional<RemoteAddress> page = scan.ownPages(entry.vma().address(), entry.vma().lengthBytes()).stream()
              .findFirst().map(PageScan.Run::start);
          if (page.isPresent() && plant(page.get()) && isDirty(pagemap, page.get())) {
            canaries.add(new Canary(page.get(), entry.vma().address(), new RemoteAddress(entry.vma().end())));
          }
        }
      }
    }
    return canaries;
  }

  private boolean plant(RemoteAddress page) {
    var memory = new RemoteMemory(task);
    try {
      Bytes word = memory.read(page, WORD_BYTES);
      memory.writeForced(page, word);
      return true;
    } catch (SyscallException e) {
      return false; // writes by force are restricted here
    }
  }

  /// Whether nobody has cleared the bits since. False without canaries.
  boolean stand(List<Canary> canaries) throws SyscallException {
    try (Arena arena = Arena.ofConfined(); Pagemap pagemap = new Pagemap(task, arena)) {
      for (Canary canary : canaries) {
        if (entries.stream().noneMatch(canary::isIn) || !isDirty(pagemap, canary.page())) {
          return false;
        }
      }
    }
    return !canaries.isEmpty();
  }

  private static boolean isDirty(Pagemap pagemap, RemoteAddress page) throws SyscallException {
    pagemap.read(page.bits(), 1);
    long entry = pagemap.entry(0);
    return (entry & (Pagemap.PRESENT | Pagemap.SWAPPED)) != 0 && (entry & Pagemap.FILE) == 0
        && (entry & Pagemap.SOFT_DIRTY) != 0;
  }
}

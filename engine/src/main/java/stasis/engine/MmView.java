package stasis.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.procfs.VmFlag;
import stasis.procfs.Vma;
import stasis.resource.Extent;
import stasis.resource.ObstructedException;
import stasis.tracee.RemoteMemory;

/// What is known of a frozen mm as a whole. Policies and guard regions are read when first asked for: the kernel walks
/// page tables for both.
final class MmView {
  private final ProcTask proc;
  private final List<VmaFacts> entries;
  private final RemoteMemory memory;
  private final Findings findings;
  private Optional<Map<Long, String>> policies = Optional.empty();
  private Optional<NavigableMap<Long, Long>> guards = Optional.empty();

  /// @param findings where a fact that cannot be read becomes an obstacle
  MmView(ProcTask proc, List<VmaFacts> entries, RemoteMemory memory, Findings findings) {
    this.proc = proc;
    this.entries = List.copyOf(entries);
    this.memory = memory;
    this.findings = findings;
  }

  List<VmaFacts> entries() {
    return entries;
  }

  RemoteMemory memory() {
    return memory;
  }

  /// The kernel walks all page tables for it, 14 ms for each GiB in small pages.
  String policy(long start) {
    if (policies.isEmpty()) {
      policies = Optional.of(readPolicies());
    }
    return policies.get().getOrDefault(start, "default");
  }

  private Map<Long, String> readPolicies() {
    try {
      return proc.numaPolicies();
    } catch (ProcException e) {
      refuse("memory policies", e);
      return Map.of();
    }
  }

  /// One scan tells of all vmas: 60,000 of them are not scanned one by one.
  List<Extent> guards(Vma vma) {
    if (guards.isEmpty()) {
      guards = Optional.of(readGuards());
    }
    var within = new ArrayList<Extent>();
    guards.get().subMap(vma.start(), vma.end()).forEach((start, end) -> within.add(
        new Extent(new RemoteAddress(start), Math.min(end, vma.end()) - start)));
    // A region may reach over the border of two vmas.
    Map.Entry<Long, Long> reaching = guards.get().lowerEntry(vma.start());
    if (reaching != null && reaching.getValue() > vma.start()) {
      within.addFirst(new Extent(vma.address(), Math.min(reaching.getValue(), vma.end()) - vma.start()));
    }
    return within;
  }

  /// From start to end of each region.
  private NavigableMap<Long, Long> readGuards() {
    var found = new TreeMap<Long, Long>();
    long end = entries.stream().mapToLong(entry -> entry.vma().end()).filter(at -> at > 0).max().orElse(0);
    try (PageScan scan = new PageScan(memory.task())) {
      scan.guards(new RemoteAddress(0), end).forEach(run -> found.put(run.start().bits(),
          run.start().bits() + run.lengthBytes()));
    } catch (SyscallException e) {
      refuse("guard regions", e);
    }
    return found;
  }

  /// What lies in huge pages, of the vmas for which the program asked for them.
  List<Extent> huge() {
    var found = new ArrayList<Extent>();
    List<Vma> asked = entries.stream().filter(entry -> entry.flags().has(VmFlag.HG) && entry.huge())
        .map(VmaFacts::vma).toList();
    if (asked.isEmpty()) {
      return found;
    }
    try (PageScan scan = new PageScan(memory.task())) {
      for (Vma vma : asked) {
        scan.huge(vma.address(), vma.lengthBytes()).forEach(run -> found.add(new Extent(run.start(),
            run.lengthBytes())));
      }
    } catch (SyscallException e) {
      refuse("huge pages", e);
    }
    return found;
  }

  private void refuse(String what, Exception cause) {
    Tid tid = proc.tid();
    findings.look("mapping", () -> {
      throw new ObstructedException("task " + tid + " " + what, cause, "");
    });
  }
}

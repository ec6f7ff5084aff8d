package stasis.engine;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.procfs.NumaMaps;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.procfs.Smaps;
import stasis.procfs.Vma;
import stasis.resource.Extent;
import stasis.resource.ObstructedException;
import stasis.tracee.RemoteMemory;

/// What is known of a frozen mm as a whole. Policies and guard regions are read when first asked for: the kernel walks
/// page tables for both.
final class MmView {
  private final ProcTask proc;
  private final List<Smaps.Entry> entries;
  private final RemoteMemory memory;
  private final Findings findings;
  private Optional<Map<Long, String>> policies = Optional.empty();

  /// @param findings where a fact that cannot be read becomes an obstacle
  MmView(ProcTask proc, List<Smaps.Entry> entries, RemoteMemory memory, Findings findings) {
    this.proc = proc;
    this.entries = List.copyOf(entries);
    this.memory = memory;
    this.findings = findings;
  }

  List<Smaps.Entry> entries() {
    return entries;
  }

  RemoteMemory memory() {
    return memory;
  }

  String policy(long start) {
    if (policies.isEmpty()) {
      policies = Optional.of(readPolicies());
    }
    return policies.get().getOrDefault(start, "default");
  }

  private Map<Long, String> readPolicies() {
    var found = new HashMap<Long, String>();
    try {
      for (NumaMaps.Entry entry : proc.numaMaps().entries()) {
        found.put(entry.start(), entry.policy());
      }
    } catch (ProcException e) {
      refuse("memory policies", e);
    }
    return found;
  }

  List<Extent> guards(Vma vma) {
    try (PageScan scan = new PageScan(memory.task())) {
      return scan.guards(vma.address(), vma.lengthBytes()).stream()
          .map(run -> new Extent(run.start(), run.lengthBytes())).toList();
    } catch (SyscallException e) {
      refuse("guard regions of " + vma, e);
      return List.of();
    }
  }

  private void refuse(String what, Exception cause) {
    Tid tid = proc.tid();
    findings.look("mapping", () -> {
      throw new ObstructedException("task " + tid + " " + what, cause, "");
    });
  }
}

package stasis.linux.probe;

import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.SyscallException;

/// Everything that was probed, in the order of [Feature].
public record Features(List<Finding> findings) {
  public Features {
    findings = List.copyOf(findings);
  }

  /// Probes all of it: about fifty system calls and one short-lived child. Call from a platform thread: ptrace ties are
  /// the OS thread's.
  public static Features probe() throws SyscallException {
    List<Finding> findings = new ArrayList<>();
    findings.addAll(CapabilityProbe.look());
    findings.addAll(TaskProbe.look());
    findings.addAll(TraceProbe.look());
    findings.addAll(MemoryProbe.look());
    findings.addAll(FileProbe.look());
    findings.addAll(LimitProbe.look());
    findings.sort((a, b) -> a.feature().compareTo(b.feature()));
    return new Features(findings);
  }

  /// Whether the feature was found. What could not be tried counts as not there.
  public boolean has(Feature feature) {
    return findings.stream().anyMatch(f -> f.feature() == feature && f.verdict() == Verdict.PRESENT);
  }

  public List<Finding> missing() {
    return findings.stream().filter(f -> f.verdict() == Verdict.MISSING).toList();
  }
}

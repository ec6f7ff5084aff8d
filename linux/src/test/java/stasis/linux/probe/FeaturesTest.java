package stasis.linux.probe;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Arch;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

final class FeaturesTest {
  @Test
  void everyFeatureIsLookedAtOnce() throws SyscallException {
    List<Feature> expected = Stream.of(Feature.values())
        .filter(f -> Syscalls.HOST == Arch.X86_64 || (f != Feature.AMX && f != Feature.XSTATE)).toList();

    List<Feature> looked = Features.probe().findings().stream().map(Finding::feature).toList();

    assertThat(looked).isEqualTo(expected);
  }

  @Test
  void probingLeavesNoFileAndNoChildBehind() throws SyscallException, IOException {
    Features.probe();
    List<String> before = fds();
    Features.probe();

    assertThat(fds()).isEqualTo(before);
    assertThat(ProcessHandle.current().children().filter(child -> child.info().command().orElse("").endsWith("sleep")))
        .isEmpty();
  }

  @Test
  void capabilitiesAgreeWithProc() throws SyscallException, IOException {
    String line = Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(l -> l.startsWith("CapEff:")).findFirst().orElseThrow();
    long held = Long.parseUnsignedLong(line.substring("CapEff:".length()).strip(), 16);

    Features features = Features.probe();

    assertThat(features.has(Feature.CAP_SYS_RESOURCE)).isEqualTo((held >>> 24 & 1) != 0);
    assertThat(features.has(Feature.CAP_SYS_ADMIN)).isEqualTo((held >>> 21 & 1) != 0);
  }

  @Test
  void aRefusedCallIsMissingWithItsErrno() {
    assertThat(Scratch.verdict(Feature.MSEAL, -38)).isEqualTo(Finding.missing(Feature.MSEAL, "ENOSYS"));
  }

  /// The child's own links may change while it is listed; only what stays open matters.
  private static List<String> fds() throws IOException {
    try (Stream<Path> links = Files.list(Path.of("/proc/self/fd"))) {
      return links.map(Path::getFileName).map(Path::toString).sorted().toList();
    }
  }
}

package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.testkit.Launcher;
import stasis.testkit.Victim;

/// A victim that fails without us proves nothing with us.
class ControlRunTest {
  @ParameterizedTest
  @ValueSource(strings = {"counter", "signals", "threads"})
  void aVictimPassesUncheckpointedAlsoAsAStaticProgram(String name, @TempDir Path work) {
    var victims = new Victims();
    try (Launcher launcher = victims.launcher(work)) {
      assertThat(launcher.start(victims.general(name, "-static")).runThrough(Duration.ofSeconds(20)))
          .isEqualTo(new Victim.Verdict.Passed());
    }
  }
}

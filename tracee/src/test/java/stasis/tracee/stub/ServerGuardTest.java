package stasis.tracee.stub;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

final class ServerGuardTest {
  private final Process program = start();

  private static Process start() {
    try {
      return new ProcessBuilder(List.of("/bin/sleep", "100")).start();
    } catch (java.io.IOException e) {
      throw new AssertionError(e);
    }
  }

  @AfterEach
  void endProgram() {
    program.destroyForcibly();
  }

  private int guardOf(String what) throws Exception {
    Process server = Nobody.asThisUser(GuardedServer.class, "" + program.pid(), what);
    // Not to the end of the file: a guard that stays holds that open too.
    String first = server.inputReader().readLine();
    assertThat(first).startsWith("guard ");
    assertThat(server.waitFor()).isEqualTo(what.equals("closes") ? 0 : 137);
    return Integer.parseInt(first.substring("guard ".length()));
  }

  private static boolean isThere(int pid) {
    return Files.exists(Path.of("/proc/" + pid));
  }

  @Test
  void theProgramOfAKilledServerIsKilledAndTheGuardEndsAfterIt() throws Exception {
    int guard = guardOf("killed");
    assertThat(program.waitFor()).isEqualTo(137);
    Stubs.until(() -> !isThere(guard));
  }

  @Test
  void aGuardThatMayNotKnowAllHoldsTheDescriptorsOfItsServerForGood() throws Exception {
    int guard = guardOf("stays");
    try {
      assertThat(program.waitFor()).isEqualTo(137);
      Thread.sleep(100);
      assertThat(Files.readString(Path.of("/proc/" + guard + "/comm"))).isEqualTo("stasis-guard\n");
      try (var fds = Files.list(Path.of("/proc/" + guard + "/fd"))) {
        assertThat(fds.map(fd -> {
          try {
            return Files.readSymbolicLink(fd).toString();
          } catch (java.io.IOException e) {
            return "";
          }
        })).filteredOn(link -> link.contains("pidfd")).hasSize(2);
      }
      assertThat(Stubs.proc(new Tid(guard), "maps").lines()).as("our memory is not held").hasSizeLessThan(10);
    } finally {
      Syscalls.call(Nr.KILL, guard, 9);
    }
  }

  @Test
  void aClosedGuardIsGoneAndKillsNobody() throws Exception {
    int guard = guardOf("closes");
    assertThat(isThere(guard)).isFalse();
    assertThat(program.waitFor(200, TimeUnit.MILLISECONDS)).isFalse();
  }
}

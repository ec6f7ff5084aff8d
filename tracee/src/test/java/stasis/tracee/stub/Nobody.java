package stasis.tracee.stub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// A JVM of this build in a process of its own, as this user or as nobody. It is never traced, so the JDK's reaper
/// thread is no danger to it.
final class Nobody {
  static final int UID = 65_534;

  private Nobody() {}

  static void assumePossible() throws IOException {
    assumeTrue(Syscalls.call(Nr.GETEUID) == 0, "missing: root, to become nobody");
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/setpriv")), "missing: setpriv");
    Path limit = Path.of("/proc/sys/user/max_user_namespaces");
    assumeTrue(Files.exists(limit) && !Files.readString(limit).strip().equals("0"), "missing: user namespaces");
  }

  static Process asNobody(Class<?> main, String... args) throws IOException {
    return asNobody(java(main, args));
  }

  static Process asNobody(List<String> program) throws IOException {
    return new ProcessBuilder(becomingNobody(program)).redirectErrorStream(true).start();
  }

  static List<String> becomingNobody(List<String> program) {
    List<String> command = new ArrayList<>(List.of("/usr/bin/setpriv", "--reuid=" + UID, "--regid=" + UID,
        "--clear-groups", "--"));
    command.addAll(program);
    return command;
  }

  /// Under a shell that first does `before`.
  static Process after(String before, List<String> program) throws IOException {
    List<String> command = new ArrayList<>(List.of("/bin/sh", "-c", before + "; exec \"$@\"", "sh"));
    command.addAll(program);
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  static Process asThisUser(Class<?> main, String... args) throws IOException {
    return new ProcessBuilder(java(main, args)).redirectErrorStream(true).start();
  }

  /// Everything the process printed, once it has ended.
  static String output(Process process) throws IOException, InterruptedException {
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return text;
  }

  static List<String> java(Class<?> main, String... args) {
    String classes = System.getProperty("java.class.path");
    List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + File.separator + "bin/java",
        "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED", "-cp", classes,
        main.getName()));
    command.addAll(Arrays.asList(args));
    return command;
  }
}

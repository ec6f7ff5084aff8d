package stasis.live;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// A user that no file of this host knows: without groups, capabilities or a name, with a folder of its own and the
/// classes of this build made readable for it.
final class FreshUser {
  private static final int UID = 4711;
  private static final int RUN_WITHIN_S = 120;
  private static final List<String> TOOLS = List.of("junit", "assertj", "byte-buddy", "archunit", "jazzer");

  private final Path home;
  private final String classes;
  private final Map<Process, Path> logs = new HashMap<>();

  private FreshUser(Path home, String classes) {
    this.home = home;
    this.classes = classes;
  }

  /// @param folder of the test
  static FreshUser in(Path folder) throws IOException {
    assumeTrue(Syscalls.call(Nr.GETEUID) == 0, "needs root, to become another user");
    for (String tool : List.of("/usr/bin/setpriv", "/usr/bin/setsid", "/usr/bin/unshare")) {
      assumeTrue(Files.isExecutable(Path.of(tool)), "needs " + tool);
    }
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path home = owned(Files.createDirectory(folder.resolve("home")));
    return new FreshUser(home, readable(Files.createDirectory(folder.resolve("classes"))));
  }

  private static Path owned(Path file) throws IOException {
    Files.setAttribute(file, "unix:uid", UID);
    Files.setAttribute(file, "unix:gid", UID);
    return file;
  }

  /// The class path without what only tests need.
  private static String readable(Path folder) throws IOException {
    var copies = new ArrayList<String>();
    String[] entries = System.getProperty("java.class.path").split(File.pathSeparator);
    for (int i = 0; i < entries.length; i++) {
      Path from = Path.of(entries[i]);
      String name = String.valueOf(from.getFileName());
      if (Files.exists(from) && TOOLS.stream().noneMatch(name::contains)) {
        Path to = folder.resolve(i + "-" + name);
        copy(from, to);
        copies.add(to.toString());
      }
    }
    return String.join(File.pathSeparator, copies);
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Path target = to.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else if (file.equals(from) || file.toString().endsWith(".class")) {
          Files.copy(file, target);
        }
      }
    }
  }

  Path home() {
    return home;
  }

  /// A Java program of these tests.
  List<String> java(Class<?> main, String... arguments) {
    var command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java", "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Xmx128m", "--enable-native-access=ALL-UNNAMED",
        "-Djava.io.tmpdir=" + home, "-cp", classes, main.getName()));
    command.addAll(List.of(arguments));
    return command;
  }

  /// Starts a command that leads a session of its own, in the home.
  Process start(List<String> command) throws IOException {
    var line = new ArrayList<>(List.of("/usr/bin/setpriv", "--reuid=" + UID, "--regid=" + UID, "--clear-groups",
        "/usr/bin/setsid"));
    line.addAll(command);
    return startAsRoot(line);
  }

  /// In the home, with its environment; whoever is started becomes the user by itself.
  Process startAsRoot(List<String> line) throws IOException {
    Path log = owned(Files.createTempFile(home, "out", ".txt"));
    ProcessBuilder builder = new ProcessBuilder(line).directory(home.toFile())
        .redirectInput(Path.of("/dev/null").toFile()).redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().clear();
    builder.environment().putAll(Map.of("HOME", home.toString(), "PATH", "/usr/bin:/bin", "LANG", "C.UTF-8"));
    Process process = builder.start();
    logs.put(process, log);
    return process;
  }

  /// What a process has said so far.
  String said(Process process) throws IOException {
    return Files.readString(Objects.requireNonNull(logs.get(process)), StandardCharsets.UTF_8);
  }

  /// Ends what still runs of all that was started.
  void endAll() {
    logs.keySet().forEach(Process::destroyForcibly);
  }

  /// What a command says until it ends.
  String run(List<String> command) throws IOException, InterruptedException {
    return end(start(command), command);
  }

  String end(Process process, List<String> command) throws IOException, InterruptedException {
    if (!process.waitFor(RUN_WITHIN_S, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError(command + " does not end: " + said(process));
    }
    return said(process);
  }

  String file(String name) throws IOException {
    Path file = home.resolve(name);
    return Files.exists(file) ? Files.readString(file, StandardCharsets.UTF_8) : "";
  }
}

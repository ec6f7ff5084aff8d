package stasis.live.launcher;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import stasis.live.Repository;

/// A made-up checkout around the real launcher, with made-up JDKs and a made-up Maven: what the launcher decides,
/// without
/// building or starting anything real.
final class Checkout {
  private static final long RUN_WITHIN_S = 60;

  private final Path root;
  private final Map<String, String> environment = new TreeMap<>();

  /// @param root an empty folder
  Checkout(Path root) throws IOException {
    this.root = root;
    Path real = Repository.root();
    for (String file : List.of("bin/stasis", "bin/lib/jdk.sh", "bin/lib/serve.sh", "bin/lib/warm.sh")) {
      Path copy = root.resolve(file);
      Files.createDirectories(copy.getParent());
      Files.copy(real.resolve(file), copy, StandardCopyOption.COPY_ATTRIBUTES);
    }
    Files.createDirectories(root.resolve("cli/src/main"));
    Files.writeString(root.resolve("cli/src/main/Source.java"), "");
    Files.createDirectories(root.resolve("tools"));
    for (String tool : List.of("readlink", "dirname", "find", "mkdir", "touch", "rm", "mv", "tail", "tr", "cksum",
        "flock", "cat")) {
      script(root.resolve("tools").resolve(tool), "exec " + which(tool) + " \"$@\"\n");
    }
    environment.put("PATH", root.resolve("tools").toString());
    environment.put("HOME", root.toString());
    environment.put("STASIS_JVM_DIRECTORY", root.resolve("jvm").toString());
    environment.put("STASIS_AOT", "never");
    environment.put("STASIS_SERVE", "never");
    environment.put("STASIS_WARM", "never");
  }

  private static Path which(String tool) {
    for (String folder : List.of("/usr/bin", "/bin")) {
      if (Files.isExecutable(Path.of(folder, tool))) {
        return Path.of(folder, tool);
      }
    }
    throw new AssertionError("no " + tool + " on this machine");
  }

  Path path(String name) {
    return root.resolve(name);
  }

  Checkout with(String variable, String value) {
    environment.put(variable, value);
    return this;
  }

  /// Puts jars where a build would, newer than the sources.
  Checkout built() throws IOException {
    Files.createDirectories(path("cli/target/app/lib"));
    Files.writeString(path("cli/target/app/lib/a.jar"), "");
    Files.writeString(path("cli/target/app/lib/b.jar"), "");
    Files.writeString(path("cli/target/app/built"), "");
    Files.setLastModifiedTime(path("cli/src/main/Source.java"), FileTime.from(Instant.EPOCH));
    return this;
  }

  /// A java that prints its home and its arguments, one a line; asked to make a start-up cache it makes one.
  Path jdk(String folder, String version) throws IOException {
    Path home = path(folder);
    script(home.resolve("bin/java"), """
        for argument in "$@"; do
          case $argument in -XX:AOTCacheOutput=*) echo cache > "${argument#*=}"; exit 0 ;; esac
        done
        echo "home %s"
        printf '%%s\\n' "$@"
        """.formatted(home));
    script(home.resolve("bin/javac"), "exit 0\n");
    Files.writeString(home.resolve("release"), "IMPLEMENTOR=\"Nobody\"\nJAVA_RUNTIME_VERSION=\"" + version
        + "+1\"\nJAVA_VERSION=\"" + version + "\"\nOS_ARCH=\"x86_64\"\n");
    return home;
  }

  void script(Path file, String body) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "#!/bin/sh\n" + body);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  /// A Maven that does `body` in the checkout, called with the launcher's own arguments.
  void maven(String body) throws IOException {
    script(path("tools/mvn"), "cd '" + root + "' || exit 1\n" + body);
  }

  record Run(int status, String out, String err) {
    /// The JVM that was started; empty if none was.
    String home() {
      return out.lines().filter(line -> line.startsWith("home ")).map(line -> line.substring(5)).findFirst().orElse("");
    }

    List<String> arguments() {
      return out.lines().filter(line -> !line.startsWith("home ")).toList();
    }
  }

  Run run(String... arguments) throws IOException, InterruptedException {
    return run(path("bin/stasis"), root, arguments);
  }

  Run run(Path launcher, Path folder, String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(launcher.toString()));
    command.addAll(List.of(arguments));
    return runCommand(command, folder);
  }

  Run runCommand(List<String> command, Path folder) throws IOException, InterruptedException {
    Path out = Files.createTempFile("launcher", ".out");
    Path err = Files.createTempFile("launcher", ".err");
    try {
      ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile())
          .redirectInput(Path.of("/dev/null").toFile()).redirectOutput(out.toFile()).redirectError(err.toFile());
      builder.environment().clear();
      builder.environment().putAll(environment);
      Process process = builder.start();
      if (!process.waitFor(RUN_WITHIN_S, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("the launcher hangs");
      }
      return new Run(process.exitValue(), Files.readString(out, StandardCharsets.UTF_8),
          Files.readString(err, StandardCharsets.UTF_8));
    } finally {
      Files.delete(out);
      Files.delete(err);
    }
  }
}

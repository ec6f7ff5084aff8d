package stasis.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/// Turns victims in C into programs, each once per content of its source, `victim.h` and flags.
public final class VictimCompiler {
  private static final List<String> FLAGS =
      List.of("-std=gnu17", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread");
  private static final int COMPILE_SECONDS = 120;
  private final Path include;
  private final Path cache;

  /// @param include folder of `victim.h` @param cache folder for the programs, made if it is not there
  public VictimCompiler(Path include, Path cache) {
    this.include = include.toAbsolutePath().normalize();
    this.cache = cache.toAbsolutePath().normalize();
  }

  /// Whether this machine has a compiler; without one live tests are skipped and counted.
  public static boolean isAvailable() {
    return List.of("/usr/bin/gcc", "/usr/local/bin/gcc").stream().anyMatch(gcc -> Files.isExecutable(Path.of(gcc)));
  }

  /// @param flags further ones, such as `-static` or `-lrt`, after the source
  /// @return absolute path of the program; its name is the source's, so that comm tells it
  public Path compile(Path source, String... flags) {
    try {
      String name = Objects.requireNonNull(source.getFileName(), "a source is a file").toString();
      name = name.endsWith(".c") ? name.substring(0, name.length() - 2) : name;
      Path folder = cache.resolve(name + "-" + hash(source, flags));
      Path program = folder.resolve(name);
      if (!Files.isExecutable(program)) {
        Files.createDirectories(folder);
        Path fresh = Files.createTempFile(folder, name, ".new");
        run(source, fresh, flags);
        Files.move(fresh, program, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      }
      return program;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// A program that lies beside `victim.h`.
  Path compileOwn(String source) {
    return compile(include.resolve(source));
  }

  private void run(Path source, Path program, String... flags) throws IOException {
    var command = new ArrayList<String>(List.of("gcc"));
    command.addAll(FLAGS);
    command.addAll(List.of("-I", include.toString(), "-o", program.toString(), source.toString()));
    command.addAll(List.of(flags));
    Path log = Path.of(program + ".log");
    Process gcc = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      if (!gcc.waitFor(COMPILE_SECONDS, TimeUnit.SECONDS) || gcc.exitValue() != 0) {
        gcc.destroyForcibly();
        throw new IllegalStateException(source + " does not compile:\n" + Files.readString(log));
      }
    } catch (InterruptedException e) {
      gcc.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while compiling " + source, e);
    }
    Files.delete(log);
  }

  private String hash(Path source, String... flags) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(Files.readAllBytes(source));
      digest.update(Files.readAllBytes(include.resolve("victim.h")));
      digest.update((FLAGS + " " + List.of(flags)).getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest.digest(), 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}

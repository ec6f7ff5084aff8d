package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.spi.ToolProvider;
import stasis.live.EngineProcess.End;

/// An engine in a JVM that has been started before anybody knows what for: a sweep waits for none to start. From the
/// second on it starts from a cache of what a first one loaded, where that is worth its making.
final class SpareEngine implements AutoCloseable {
  private static final long POLL_NS = 2_000_000;
  private static final int LASTING = 200;
  private final Path work;
  private final List<String> command;
  private int made;
  private Process jvm;

  /// @param work a folder of its own @param orders how many there will be, about
  SpareEngine(Path work, int orders) throws IOException {
    this.work = Files.createDirectories(work);
    this.command = orders < LASTING ? EngineProcess.java(System.getProperty("java.class.path"), List.of())
        : cached(work);
    this.jvm = next();
  }

  /// Has it do what `asked` says, and starts the next one meanwhile.
  End order(List<String> asked) throws IOException {
    Process told = jvm;
    Path log = log();
    Path written = Files.write(work.resolve("asked"), asked);
    Files.move(written, orders(), StandardCopyOption.ATOMIC_MOVE);
    made++;
    jvm = next();
    End end = EngineProcess.end(told, log);
    Files.delete(log);
    return end;
  }

  /// What the process itself waits for; it ends with its maker.
  static List<String> awaitOrder(Path orders) throws IOException {
    ProcessHandle maker = ProcessHandle.current().parent().orElseThrow();
    while (!Files.exists(orders)) {
      if (!ProcessHandle.current().parent().equals(java.util.Optional.of(maker))) {
        System.exit(1);
      }
      LockSupport.parkNanos(POLL_NS);
    }
    List<String> asked = Files.readAllLines(orders);
    Files.delete(orders);
    return asked;
  }

  private Process next() throws IOException {
    var line = new ArrayList<>(command);
    line.add(orders().toString());
    return EngineProcess.start(line, log());
  }

  private Path log() {
    return work.resolve("engine-" + made + ".log");
  }

  private Path orders() {
    return work.resolve("order-" + made);
  }

  /// A command that starts from a cache made by one checkpoint of this very JVM's own child.
  private static List<String> cached(Path work) throws IOException {
    String jars = jars(work);
    Path cache = work.resolve("engine.aot");
    Path log = work.resolve("training.log");
    Process program = new ProcessBuilder("sleep", "600").redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      List<String> training = EngineProcess.java(jars, List.of("-XX:AOTCacheOutput=" + cache));
      training.addAll(List.of("checkpoint", Long.toString(program.pid()), work.resolve("training").toString(), "true",
          Long.toString(Long.MAX_VALUE)));
      End end = EngineProcess.end(EngineProcess.start(training, log), log);
      assertThat(end.words()).as("the training of engines").contains("Stored");
    } finally {
      program.destroyForcibly();
    }
    return EngineProcess.java(jars, List.of("-XX:AOTCache=" + cache));
  }

  /// The class path, its folders packed: only those of jars are cached.
  private static String jars(Path work) throws IOException {
    ToolProvider jar = ToolProvider.findFirst("jar").orElseThrow();
    var path = new ArrayList<String>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      if (!Files.isDirectory(Path.of(entry))) {
        path.add(entry);
        continue;
      }
      Path packed = work.resolve("classes-" + path.size() + ".jar");
      assertThat(jar.run(System.out, System.err, "--create", "--file", packed.toString(), "-C", entry, ".")).isZero();
      path.add(packed.toString());
    }
    return String.join(File.pathSeparator, path);
  }

  @Override
  public void close() {
    jvm.destroyForcibly();
  }
}

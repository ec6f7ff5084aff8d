package stasis.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A program to be carried.
///
/// @param ready whether it says so on its output, once it is what is to be measured
record Workload(String name, String title, List<String> words, boolean ready) {
  private static final int READY_POLLS = 3000;
  private static final long POLL_MS = 20;
  private static final long SETTLE_MS = 100;

  static List<Workload> all(Path sources, Path folder) throws IOException, InterruptedException {
    return List.of(
        new Workload("sleep", "sleep", List.of("sleep", "100000"), false),
        new Workload("python", "python3, idle", List.of("python3", sources.resolve("idle.py").toAbsolutePath()
            .toString()), true),
        new Workload("tcp", "200 TCP connections, both ends", List.of("python3", sources.resolve("tcp.py")
            .toAbsolutePath().toString()), true),
        compiled("random", "1 GiB of random bytes", "1024", sources, folder),
        compiled("random", "random4", "4 GiB of random bytes", "4096", sources, folder),
        compiled("thp", "thp", "4 GiB, half of it in huge pages", "4096", sources, folder),
        compiled("dirty", "dirty1", "1 GiB, 1 % written each second", "1024 1", sources, folder),
        compiled("dirty", "dirty10", "1 GiB, 10 % written each second", "1024 10", sources, folder),
        compiled("dirty", "dirty50", "1 GiB, 50 % written each second", "1024 50", sources, folder),
        compiled("threads", "threads10000", "10,000 threads", "10000", sources, folder),
        new Workload("redis", "redis with 2 GiB", List.of("python3", sources.resolve("redis.py").toAbsolutePath()
            .toString(), "2048"), true),
        new Workload("jvm", "a JVM with 2 GiB", List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xms2200m", "-Xmx2200m", "-XX:+UseSerialGC", "-XX:-UsePerfData",
            sources.resolve("Heap.java").toAbsolutePath().toString(), "2048"), true),
        compiled("gap", "1 GiB, and a clock", "1024", sources, folder),
        new Workload("postgres", "postgres with shared buffers of 1 GiB", List.of("python3",
            sources.resolve("postgres.py").toAbsolutePath().toString(), "1024"), true),
        compiled("drift", "1 GiB, half of it random", "1024", sources, folder),
        compiled("drift", "scatter", "1 GiB, changed here and there", "1024 scattered", sources, folder),
        compiled("threads", "1,000 threads", "1000", sources, folder),
        compiled("vmas", "10,000 vmas", "10000", sources, folder),
        compiled("tree", "tree10", "10 processes", "10", sources, folder),
        compiled("tree", "tree100", "100 processes", "100", sources, folder),
        compiled("tree", "tree1000", "1,000 processes", "1000", sources, folder));
  }

  private static Workload compiled(String name, String title, String argument, Path sources, Path folder)
      throws IOException, InterruptedException {
    return compiled(name, name, title, argument, sources, folder);
  }

  private static Workload compiled(String source, String name, String title, String argument, Path sources, Path folder)
      throws IOException, InterruptedException {
    Path binary = folder.resolve(name).toAbsolutePath();
    Command.run(List.of("cc", "-O2", "-pthread", "-o", binary.toString(), sources.resolve(source + ".c").toString()));
    List<String> words = new ArrayList<>(List.of(binary.toString()));
    words.addAll(List.of(argument.split(" ")));
    return new Workload(name, title, words, true);
  }

  /// Starts it as the leader of a session of its own, with its output in a file.
  Process start(Path output) throws IOException, InterruptedException {
    Files.deleteIfExists(output);
    List<String> command = new ArrayList<>(List.of("setsid"));
    command.addAll(words);
    Process process = new ProcessBuilder(command)
        .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
        .redirectOutput(output.toFile()).redirectErrorStream(true).start();
    for (int i = 0; ready && i < READY_POLLS && Files.size(output) == 0; i++) {
      Thread.sleep(POLL_MS);
    }
    Thread.sleep(SETTLE_MS);
    if (!process.isAlive()) {
      throw new IOException(words + " ended: " + Files.readString(output));
    }
    return process;
  }
}

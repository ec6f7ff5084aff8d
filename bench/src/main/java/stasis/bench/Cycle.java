package stasis.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Stream;

/// One round of one contender: a fresh program checkpointed and restored, and another that is left running.
record Cycle(Workload workload, Contender contender, Path folder, Figures into) {
  private static final int GONE_POLLS = 10_000;

  void run() throws IOException, InterruptedException {
    Path image = folder.resolve("image-" + contender.name());
    Path output = folder.resolve("output");
    Process program = workload.start(output);
    long pid = program.pid();
    Path own = Path.of("/proc/" + pid + "/cwd").toRealPath();
    try {
      calm(image);
      List<ProcessHandle> tree = tree(pid);
      Contender.Taken ended = contender.checkpoint(pid, image, false);
      program.waitFor();
      awaitGone(tree);
      into.frozen(ended.frozenNs());
      into.total(ended.totalNs());
      into.bytes(size(image));
      into.restore(contender.restoreNs(image));
      end(pid);
      // Once more, with the image where a restore soon after would find it: in the page cache.
      read(image);
      into.restoreCached(contender.restoreNs(image));
    } finally {
      end(pid);
      forget(own);
    }
    Process second = workload.start(output);
    own = Path.of("/proc/" + second.pid() + "/cwd").toRealPath();
    try {
      calm(image);
      largestGap(second.pid(), output);
      Contender.Taken left = contender.checkpoint(second.pid(), image, true);
      largestGap(second.pid(), output).ifPresent(into::gap);
      into.leftFrozen(left.frozenNs());
      into.leftTotal(left.totalNs());
    } finally {
      end(second.pid());
      forget(own);
      calm(image);
    }
  }

  /// Since the program was asked before, in nanoseconds, where it is one that tells.
  private OptionalLong largestGap(long pid, Path output) throws IOException, InterruptedException {
    if (!workload.name().equals("gap")) {
      return OptionalLong.empty();
    }
    long told = Files.size(output);
    Command.run(List.of("kill", "-USR1", Long.toString(pid)));
    for (int i = 0; i < GONE_POLLS && Files.size(output) == told; i++) {
      Thread.sleep(1);
    }
    return Files.readAllLines(output).getLast().startsWith("gap ")
        ? OptionalLong.of(Long.parseLong(Files.readAllLines(output).getLast().substring(4))) : OptionalLong.empty();
  }

  /// No image of before, and nothing of it on its way to the device.
  static void calm(Path image) throws IOException, InterruptedException {
    if (Files.exists(image)) {
      delete(image);
    }
    Command.run(List.of("sync"));
  }

  /// The folder of a program that made one for itself, and keeps gigabytes in it.
  private static void forget(Path folder) throws IOException {
    if (folder.getFileName() != null && folder.getFileName().toString().startsWith("stasis-bench-")) {
      delete(folder);
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  private static void read(Path image) throws IOException {
    try (Stream<Path> all = Files.walk(image)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        try (var in = Files.newInputStream(file)) {
          in.transferTo(java.io.OutputStream.nullOutputStream());
        }
      }
    }
  }

  static long size(Path image) throws IOException {
    try (Stream<Path> all = Files.walk(image)) {
      return all.filter(Files::isRegularFile).filter(path -> !path.toString().endsWith(".log"))
          .mapToLong(path -> path.toFile().length()).sum();
    }
  }

  /// With all it has begun. The pid is ours from before: started by us, or restored on our order. All stand still before
  /// the first ends: a server that saw the end of one process would begin anew, and remove what its image needs.
  static void end(long pid) throws IOException, InterruptedException {
    List<ProcessHandle> tree = tree(pid);
    for (List<ProcessHandle> stopped = List.of(); !stopped.equals(tree); tree = tree(pid)) {
      stopped = tree;
      stop(stopped);
    }
    tree.forEach(ProcessHandle::destroyForcibly);
    awaitGone(tree);
  }

  /// Those that have ended meanwhile are passed over.
  private static void stop(List<ProcessHandle> tree) throws IOException, InterruptedException {
    var words = new ArrayList<>(List.of("kill", "-STOP"));
    tree.forEach(process -> words.add(Long.toString(process.pid())));
    new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.DISCARD).start().waitFor();
  }

  private static List<ProcessHandle> tree(long pid) {
    return ProcessHandle.of(pid).stream().flatMap(root -> Stream.concat(Stream.of(root), root.descendants())).toList();
  }

  /// Orphans are waited for by init, when it likes.
  private static void awaitGone(List<ProcessHandle> tree) throws InterruptedException {
    for (ProcessHandle process : tree) {
      awaitGone(process.pid());
    }
  }

  private static void awaitGone(long pid) throws InterruptedException {
    for (int i = 0; i < GONE_POLLS && Files.exists(Path.of("/proc/" + pid)); i++) {
      Thread.sleep(1);
    }
  }
}

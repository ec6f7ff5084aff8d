package stasis.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;

/// How long it takes to store a program that runs on, and how much room that takes: commands in turn, round by round.
///
/// @param commands by name; split at spaces, they hold `{pid}`, `{image}` (a folder, which is there) and `{stasis}`
record Storing(SequencedMap<String, String> commands, Path launcher, Path folder) {
  private static final String OURS = """
      stasis, a folder: {stasis} checkpoint {pid} --image {image}/i --leave-running --quiet
      stasis, a repository: {stasis} checkpoint {pid} --repo {image}/r --name n --leave-running --quiet
      stasis, as a stream: {stasis} checkpoint {pid} --image - --leave-running --quiet
      """;

  /// @param lines of a file, each `name: command`
  static Storing of(List<String> lines, Path launcher, Path folder) {
    SequencedMap<String, String> commands = new LinkedHashMap<>();
    List<String> all = new ArrayList<>(OURS.lines().toList());
    all.addAll(lines);
    for (String line : all) {
      int colon = line.indexOf(": ");
      if (colon > 0) {
        commands.put(line.substring(0, colon), line.substring(colon + 2));
      }
    }
    return new Storing(commands, launcher, folder);
  }

  void measure(Workload workload, int rounds) throws IOException, InterruptedException {
    Map<String, List<Long>> times = new LinkedHashMap<>();
    Map<String, Long> sizes = new LinkedHashMap<>();
    Path image = folder.resolve("stored");
    // The first round does not count.
    for (int round = 0; round <= rounds; round++) {
      for (Map.Entry<String, String> command : commands.entrySet()) {
        Process program = workload.start(folder.resolve("output"));
        try {
          Cycle.calm(image);
          Files.createDirectories(image);
          long ns = Command.run(words(command.getValue(), program.pid(), image), folder.resolve("stdout")).wallNs();
          if (round > 0) {
            times.computeIfAbsent(command.getKey(), _ -> new ArrayList<>()).add(ns);
          }
          sizes.put(command.getKey(), Math.max(Cycle.size(image), Files.size(folder.resolve("stdout"))));
        } finally {
          Cycle.end(program.pid());
        }
      }
    }
    Cycle.calm(image);
    Files.delete(folder.resolve("stdout"));
    System.out.println("| " + workload.title() + ", left running | total, ms | (least) | image, MiB |\n|---|---|---|---|");
    times.forEach((name, all) -> System.out.println(String.format(Locale.ROOT, "| %s | **%.0f** | %.0f | %.0f |", name,
        Figures.median(all) / 1e6, all.stream().mapToLong(v -> v).min().orElse(0) / 1e6,
        sizes.getOrDefault(name, 0L) / (double) (1 << 20))));
    System.out.println("<!-- load after " + Machine.load() + " -->");
  }

  private List<String> words(String command, long pid, Path image) {
    return Arrays.stream(command.split(" +")).map(word -> word.replace("{pid}", Long.toString(pid))
        .replace("{image}", image.toString()).replace("{stasis}", launcher.toString())).toList();
  }
}

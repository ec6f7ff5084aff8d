package stasis.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// One program checkpointed again and again into one repository; between two checkpoints it changes a hundredth of its
/// memory.
record Series(Path launcher, Path folder) {
  private static final Pattern FIGURE = Pattern.compile("\"(frozen_ms|total_ms)\": ([0-9.]+)");
  private static final int POLLS = 3000;
  private static final long POLL_MS = 10;

  void measure(Workload workload, int checkpoints, List<String> options) throws IOException, InterruptedException {
    Path repository = folder.resolve("series");
    Path output = folder.resolve("output");
    Cycle.calm(repository);
    Process program = workload.start(output);
    long pid = program.pid();
    System.out.println("| " + workload.title() + " " + String.join(" ", options)
        + " | frozen, ms | total, ms | whole process, ms | repository grew by, MiB |\n|---|---|---|---|---|");
    try {
      long before = 0;
      for (int number = 1; number <= checkpoints; number++) {
        List<String> words = new ArrayList<>(List.of(launcher.toString(), "checkpoint", Long.toString(pid), "--repo",
            repository.toString(), "--name", "n", "--leave-running", "--quiet", "--json"));
        words.addAll(options);
        Command run = Command.run(words);
        long after = Cycle.size(repository);
        System.out.println(String.format(Locale.ROOT, "| %d | %s | %s | %.0f | %.1f |", number,
            figure(run.stdout(), "frozen_ms"), figure(run.stdout(), "total_ms"), run.wallNs() / 1e6,
            (after - before) / (double) (1 << 20)));
        before = after;
        Command.run(List.of("kill", "-USR1", Long.toString(pid)));
        String turn = "turn " + number + "\n";
        for (int i = 0; i < POLLS && !Files.readString(output).endsWith(turn); i++) {
          Thread.sleep(POLL_MS);
        }
      }
    } finally {
      Cycle.end(pid);
      Cycle.calm(repository);
    }
    System.out.println("<!-- load after " + Machine.load() + " -->");
  }

  private static String figure(String json, String key) {
    Matcher found = FIGURE.matcher(json);
    while (found.find()) {
      if (found.group(1).equals(key)) {
        return found.group(2);
      }
    }
    return "?";
  }
}

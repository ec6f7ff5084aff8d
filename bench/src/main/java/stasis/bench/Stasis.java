package stasis.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// This build, by its launcher.
record Stasis(Path launcher) implements Contender {
  private static final Pattern FROZEN_MS = Pattern.compile("\"frozen_ms\": ([0-9.]+)");

  @Override
  public String name() {
    return "stasis";
  }

  @Override
  public Taken checkpoint(long pid, Path image, boolean leaveRunning) throws IOException, InterruptedException {
    List<String> words = new ArrayList<>(List.of(launcher.toString(), "checkpoint", Long.toString(pid), "--image",
        image.toString(), "--json", "--quiet"));
    if (leaveRunning) {
      words.add("--leave-running");
    }
    Command run = Command.run(words);
    Matcher frozen = FROZEN_MS.matcher(run.stdout());
    if (!frozen.find()) {
      throw new IOException("no frozen_ms in " + run.stdout());
    }
    return new Taken(Math.round(Double.parseDouble(frozen.group(1)) * 1e6), run.wallNs());
  }

  @Override
  public long restoreNs(Path image) throws IOException, InterruptedException {
    return Command.run(List.of(launcher.toString(), "restore", image.toString(), "--detach", "--json", "--quiet"))
        .wallNs();
  }
}

package stasis.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// A command the caller names.
record Peer(Map<String, String> templates) implements Contender {
  @Override
  public String name() {
    return "peer";
  }

  @Override
  public Taken checkpoint(long pid, Path image, boolean leaveRunning) throws IOException, InterruptedException {
    Files.createDirectories(image);
    Command run = Command.run(words(leaveRunning ? "--peer-leave-running" : "--peer-checkpoint", pid, image));
    String frozenMs = Command.run(words("--peer-frozen", pid, image)).stdout().strip();
    return new Taken(Math.round(Double.parseDouble(frozenMs) * 1e6), run.wallNs());
  }

  @Override
  public long restoreNs(Path image) throws IOException, InterruptedException {
    return Command.run(words("--peer-restore", 0, image)).wallNs();
  }

  private List<String> words(String template, long pid, Path image) {
    return Arrays.stream(templates.getOrDefault(template, "false").split(" +"))
        .map(word -> word.replace("{pid}", Long.toString(pid)).replace("{image}", image.toString())).toList();
  }
}

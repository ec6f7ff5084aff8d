package stasis.repository;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Bytes;

/// Writers to a repository whose device fails at a change, or who are killed before it: at every one of them.
@Timeout(300)
final class RepositoryFaultTest {
  private static final int ENOUGH = 100;

  @TempDir private Path temp = Path.of("");

  private static byte[] pages(int round) {
    return KeptImages.memory(300, round);
  }

  /// Chunks in a pack that no index names are not yet another's.
  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
    }
  }

  private static final Keys ENCRYPTED = new Keys(List.of(new Key.KeyFile(Bytes.hex("42".repeat(32)))));

  @Test
  void aFaultAtAnyChangeLeavesTheEarlierCheckpointsAndNothingHalf() throws Exception {
    faultAtAnyChange(Keys.NONE);
  }

  @Test
  void theSameInAnEncryptedRepository() throws Exception {
    faultAtAnyChange(ENCRYPTED);
  }

  /// Made by the first write, so that a fault in making it is among them.
  @Test
  void aFaultInMakingARepositoryIsMadeGoodByTheNextWriter() throws Exception {
    for (Keys keys : List.of(Keys.NONE, ENCRYPTED)) {
      boolean failed = true;
      for (int fail = 0; failed && fail < ENOUGH; fail++) {
        Path root = temp.resolve("made-" + keys.all().size() + "-" + fail);
        AtomicInteger left = new AtomicInteger(fail);
        failed = false;
        try {
          KeptImages.write(root, "a", keys, new byte[10], KeptImages.memory(5, 1), List.of(), change -> {
            if (left.getAndDecrement() == 0) {
              throw new IOException("No space left on device");
            }
          });
        } catch (ImageException e) {
          failed = true;
          assertThat(e.getMessage()).contains("no space left on the device; ");
        }
        KeptImages.write(root, "b", keys, new byte[20], KeptImages.memory(5, 2), List.of(), _ -> { });
        KeptImages.assertHolds(root, "b@1", keys, new byte[20], KeptImages.memory(5, 2));
      }
      assertThat(failed).isFalse();
    }
  }

  private void faultAtAnyChange(Keys keys) throws Exception {
    Path root = temp.resolve("repo");
    KeptImages.write(root, "a", keys, KeptImages.metadata(0), pages(0), List.of(), _ -> { });
    List<String> changes = new ArrayList<>();
    int written = 1;
    for (int fail = 0; fail < ENOUGH; fail++) {
      AtomicInteger left = new AtomicInteger(fail);
      int round = fail + 1;
      try {
        KeptImages.write(root, "a", keys, KeptImages.metadata(round), pages(round), List.of(), change -> {
          if (left.getAndDecrement() == 0) {
            changes.add(change.replaceAll("[0-9a-f]{8,}|[0-9]+-[0-9a-f]+-", "X"));
            throw new IOException("No space left on device");
          }
        });
        written++;
      } catch (ImageException e) {
        assertThat(e.getMessage()).as("change %d", fail).contains("no space left on the device; free space");
      }
      KeptImages.assertHolds(root, "a@1", keys, KeptImages.metadata(0), pages(0));
      List<String> numbers = names(root.resolve("checkpoints/a"));
      if (!numbers.equals(List.of("1"))) {
        // Linked already when the fault came, or no fault came at all.
        KeptImages.assertHolds(root, "a@2", keys, KeptImages.metadata(round), pages(round));
        Files.delete(root.resolve("checkpoints/a/2"));
      }
      if (written == 2) {
        break;
      }
    }
    assertThat(written).as("a write without a fault").isEqualTo(2);
    assertThat(changes).hasSizeGreaterThanOrEqualTo(10).anyMatch(c -> c.startsWith("write ") && c.contains("pack"))
        .anyMatch(c -> c.startsWith("rename ") && c.contains("index")).anyMatch(c -> c.startsWith("link "));
    KeptImages.write(root, "a", keys, KeptImages.metadata(7), pages(7), List.of(), _ -> { });
    assertThat(names(root.resolve("unfinished"))).isEmpty();
  }

  @Test
  void aWriterKilledBeforeAnyChangeLeavesTheEarlierCheckpointsAndNothingHalf() throws Exception {
    Path root = temp.resolve("repo");
    KeptImages.write(root, "a", KeptImages.metadata(0), pages(0));
    String said = "";
    for (int fail = 0; fail < ENOUGH && !said.contains("END"); fail++) {
      Process writer = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
          "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED", "-cp",
          System.getProperty("java.class.path"), RepositoryWriterProcess.class.getName(), root.toString(),
          Integer.toString(fail)).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      said = new String(writer.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      assertThat(writer.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(said.contains("END") ? 0 : 137).isEqualTo(writer.exitValue());
      KeptImages.assertHolds(root, "a@1", KeptImages.metadata(0), pages(0));
      for (String number : names(root.resolve("checkpoints/a"))) {
        KeptImages.assertHolds(root, "a@" + number, KeptImages.metadata(number.equals("1") ? 0 : 99),
            number.equals("1") ? pages(0) : pages(99));
        if (!number.equals("1")) {
          Files.delete(root.resolve("checkpoints/a").resolve(number));
        }
      }
      if (Files.exists(root.resolve("checkpoints/a/2"))) {
        Files.delete(root.resolve("checkpoints/a/2"));
      }
    }

    assertThat(said).contains("END");
    KeptImages.write(root, "a", KeptImages.metadata(7), pages(7));
    assertThat(names(root.resolve("unfinished"))).isEmpty();
    assertThat(names(root.resolve("packs"))).hasSizeLessThanOrEqualTo(3);
  }
}

package stasis.repository;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Broken repositories, each by its name, each with the one sentence that a reader, or `verify`, says of it.
@Timeout(120)
final class BrokenRepositoryTest {
  @TempDir private Path temp = Path.of("");
  private Path root = Path.of("");

  private interface Breaking {
    void on(Path root) throws IOException;
  }

  @BeforeEach
  void aGoodOne() throws Exception {
    root = temp.resolve("repo");
    KeptImages.write(root, "a", KeptImages.metadata(1), KeptImages.memory(300, 1));
  }

  private static Path only(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().findFirst().orElseThrow();
    }
  }

  private static void flip(Path file, long at) throws IOException {
    byte[] content = Files.readAllBytes(file);
    content[(int) (at < 0 ? content.length + at : at)] ^= 1;
    Files.write(file, content);
  }

  private static void cut(Path file, int bytes) throws IOException {
    byte[] content = Files.readAllBytes(file);
    Files.write(file, java.util.Arrays.copyOf(content, content.length - bytes));
  }

  private static void replace(Path file, String from, String to) throws IOException {
    Files.writeString(file, Files.readString(file, StandardCharsets.ISO_8859_1).replace(from, to),
        StandardCharsets.ISO_8859_1);
  }

  /// A checkpoint that lies under a valid last line, as an attacker would write it.
  private static void forge(Path file, String from, String to) throws IOException {
    String text = Files.readString(file).replaceAll(from, to);
    String before = text.substring(0, text.lastIndexOf("\nroot ") + 1);
    Files.writeString(file, before + "root " + java.util.HexFormat.of().formatHex(
        Layout.sha256().digest(before.getBytes(StandardCharsets.UTF_8))) + "\n");
  }

  private static Map<String, Breaking> breakings() {
    Map<String, Breaking> all = new TreeMap<>();
    all.put("mark-gone: holds no repository", r -> Files.delete(r.resolve("repository")));
    all.put("mark-foreign: does not say that this is a repository",
        r -> Files.writeString(r.resolve("repository"), "hello"));
    all.put("mark-newer: is a repository of a later version",
        r -> Files.writeString(r.resolve("repository"), "stasis-repository 2\n"));
    all.put("mark-needs: needs telepathy, which this Stasis does not know",
        r -> Files.writeString(r.resolve("repository"), "stasis-repository 1\nneeds telepathy\n"));
    all.put("lock-gone: the lock of the repository", r -> Files.delete(r.resolve("lock")));
    all.put("checkpoint-gone: holds no checkpoint of a", r -> Files.delete(r.resolve("checkpoints/a/1")));
    all.put("checkpoint-empty: is no checkpoint", r -> Files.writeString(r.resolve("checkpoints/a/1"), ""));
    all.put("checkpoint-flipped: does not match its last line", r -> flip(r.resolve("checkpoints/a/1"), 40));
    all.put("checkpoint-cut: does not match its last line", r -> cut(r.resolve("checkpoints/a/1"), 30));
    all.put("checkpoint-binary: is no text", r -> Files.write(r.resolve("checkpoints/a/1"), new byte[] {-1, -2}));
    all.put("checkpoint-newer: has a version this reader does not know",
        r -> replace(r.resolve("checkpoints/a/1"), "stasis-checkpoint 1", "stasis-checkpoint 9"));
    all.put("checkpoint-renamed: it is one of another name",
        r -> forge(r.resolve("checkpoints/a/1"), "name a", "name b"));
    all.put("checkpoint-huge: impossible lengths",
        r -> forge(r.resolve("checkpoints/a/1"), "page-bytes [0-9]+", "page-bytes 9223372036854775807"));
    all.put("checkpoint-longer: has a chunk map of 1228800 bytes of pages, not 1232896",
        r -> forge(r.resolve("checkpoints/a/1"), "page-bytes 1228800", "page-bytes 1232896"));
    all.put("checkpoint-part: a part of 65537",
        r -> forge(r.resolve("checkpoints/a/1"), "(metadata [0-9a-f]+) 65536", "$1 65537"));
    all.put("checkpoint-stranger: is in no pack of",
        r -> forge(r.resolve("checkpoints/a/1"), "metadata [0-9a-f]{8}", "metadata 00000000"));
    all.put("checkpoint-escape: is no text", r -> forge(r.resolve("checkpoints/a/1"), "host host", "host \u001b[31m"));
    all.put("pack-gone: is gone", r -> Files.delete(only(r.resolve("packs"))));
    all.put("pack-flipped: is damaged at bytes", r -> flip(only(r.resolve("packs")), 20_000));
    all.put("pack-cut: ", r -> cut(only(r.resolve("packs")), 500_000));
    all.put("index-gone: is in no pack of", r -> Files.delete(only(r.resolve("index"))));
    all.put("index-head: has a damaged head", r -> flip(only(r.resolve("index")), 20));
    all.put("index-cut: is cut short", r -> cut(only(r.resolve("index")), 20));
    return all;
  }

  @Test
  void eachSaysOneClearSentence() throws Exception {
    for (Map.Entry<String, Breaking> breaking : breakings().entrySet()) {
      Path copy = temp.resolve(breaking.getKey().replaceAll(":.*", ""));
      KeptImages.copy(root, copy);
      breaking.getValue().on(copy);

      String said = KeptImages.refusal(copy, "a@1").orElse("NOTHING");

      assertThat(said).as(breaking.getKey()).contains(breaking.getKey().replaceAll("^[a-z-]+: ", "")).contains("; ")
          .doesNotContain("\n").doesNotContain("\u001b");
      assertThat(verified(copy)).as(breaking.getKey()).isNotEmpty();
    }
  }

  /// What `verify` has to say, if only that there is nothing to verify.
  private static List<String> verified(Path copy) {
    try {
      List<String> problems = Catalogue.open(copy).verify(true);
      return problems.isEmpty() && Catalogue.open(copy).log().isEmpty() ? List.of("empty") : problems;
    } catch (ImageException e) {
      return List.of(e.getMessage());
    }
  }

  @Test
  void everyDamagedByteOfAPackIsFoundAndSaysWhatItHits() throws Exception {
    Path pack = only(root.resolve("packs"));
    byte[] good = Files.readAllBytes(pack);
    for (int at = 0; at < good.length; at += 7919) {
      byte[] bad = good.clone();
      bad[at] ^= 0x10;
      Files.write(pack, bad);
      assertThat(Catalogue.open(root).verify(true)).as("byte %d", at).isNotEmpty();
    }
    Files.write(pack, good);
    assertThat(Catalogue.open(root).verify(true)).isEmpty();
    flip(pack, 20_000);
    assertThat(Catalogue.open(root).verify(true)).hasSize(2).anyMatch(
        line -> line.contains("checkpoint a@1 lacks 1 chunk"));
  }

  @FuzzTest(maxDuration = "60s")
  void fuzzCheckpoint(byte[] content) {
    try {
      Manifest.decode(ByteBuffer.wrap(content), "a", 1, "it");
    } catch (ImageException e) {
      assertThat(e.getMessage()).contains("; ");
    }
  }

  @FuzzTest(maxDuration = "60s")
  void fuzzPackAndIndex(byte[] content) throws IOException {
    Path file = Files.createTempFile("stasis", "fuzz");
    Files.write(file, content);
    try (java.lang.foreign.Arena arena = java.lang.foreign.Arena.ofConfined()) {
      try {
        Pack.read(file);
      } catch (ImageException e) {
        assertThat(e.getMessage()).contains("; ");
      }
      try {
        IndexFile index = IndexFile.open(file, arena);
        index.find(new ChunkId(1, 2, 3, 4));
        index.verify();
        index.each(entry -> { });
      } catch (ImageException e) {
        assertThat(e.getMessage()).contains("; ");
      }
    } finally {
      Files.delete(file);
    }
  }
}

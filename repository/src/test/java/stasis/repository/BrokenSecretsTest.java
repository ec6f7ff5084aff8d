package stasis.repository;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Bytes;

/// Encrypted repositories that are broken, each by its name, each with the one sentence that is said of it; and
/// decoders of what strangers write.
@Timeout(120)
final class BrokenSecretsTest {
  private static final Keys KEYS = new Keys(List.of(new Key.KeyFile(Bytes.hex("42".repeat(32))),
      new Key.Identity(Bytes.hex("40" + "11".repeat(31)), Bytes.hex("22".repeat(32)))));

  @TempDir private Path temp = Path.of("");

  private interface Breaking {
    void on(Path root) throws IOException;
  }

  private static Breaking mark(String from, String to) {
    return root -> {
      Path file = root.resolve(Mark.NAME);
      Files.writeString(file, Files.readString(file).replaceFirst(from, to));
    };
  }

  private static void flip(Path file, int at) throws IOException {
    byte[] content = Files.readAllBytes(file);
    content[at < 0 ? content.length + at : at] ^= 1;
    Files.write(file, content);
  }

  private static Path only(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().findFirst().orElseThrow();
    }
  }

  private static Map<String, Breaking> breakings() {
    Map<String, Breaking> all = new TreeMap<>();
    all.put("locks-gone: has damaged locks: 1 to 64 locks", mark("lock .*\n", ""));
    all.put("locks-many: has damaged locks: 1 to 64 locks", mark("(lock .*\n)", "$1".repeat(65)));
    all.put("lock-kind: has damaged locks: a lock of unknown kind", mark("key-file", "telepathy"));
    all.put("lock-cut: has damaged locks: a lock with 2 words",
        mark("lock key-file ([0-9a-f]*) .*", "lock key-file $1"));
    all.put("lock-short: has damaged locks: a lock with impossible numbers", mark("[0-9a-f]{2}\n", "\n"));
    all.put("lock-upper: has damaged locks: a lock that is spelled in another way", root -> {
      Path file = root.resolve(Mark.NAME);
      String text = Files.readString(file);
      String lock = text.lines().filter(line -> line.startsWith(KeyBox.WORD)).findFirst().orElseThrow();
      String upper = "lock key-file" + lock.substring(13).toUpperCase(Locale.ROOT);
      Files.writeString(file, text.replace(lock, upper));
    });
    all.put("lock-slow: has damaged locks: a lock with impossible numbers",
        mark("lock key-file", "lock passphrase 2000000000"));
    all.put("lock-flipped: the key that was given does not open", mark("lock key-file [0-9a-f]{8}",
        "lock key-file 00000000"));
    all.put("seal-gone: was changed by somebody who has not the key", mark("seal .*\n", ""));
    all.put("seal-other: was changed by somebody who has not the key", mark("seal [0-9a-f]{8}", "seal 00000000"));
    all.put("needs-gone: is not encrypted, and a key was given", mark("needs encryption\n", ""));
    all.put("checkpoint-plain: is not encrypted as its repository is",
        root -> Files.writeString(root.resolve("checkpoints/a/1"), "stasis-checkpoint 1\nname a\n"));
    all.put("checkpoint-flipped: is damaged or was changed, or is another's",
        root -> flip(root.resolve("checkpoints/a/1"), -5));
    all.put("checkpoint-cut: is not encrypted as its repository is",
        root -> Files.write(root.resolve("checkpoints/a/1"), new byte[40]));
    all.put("pack-flipped: is damaged at bytes", root -> flip(only(root.resolve("packs")), 20_000));
    return all;
  }

  @Test
  void eachSaysOneClearSentence() throws Exception {
    Path root = temp.resolve("repo");
    KeptImages.write(root, "a", new Keys(KEYS.all().subList(0, 1)),
        KeptImages.metadata(1), KeptImages.memory(100, 1), List.of(), _ -> { });
    for (Map.Entry<String, Breaking> breaking : breakings().entrySet()) {
      Path copy = temp.resolve(breaking.getKey().replaceAll(":.*", ""));
      KeptImages.copy(root, copy);
      breaking.getValue().on(copy);

      String said = KeptImages.refusal(copy, "a@1", KEYS).orElse("NOTHING");

      assertThat(said).as(breaking.getKey()).contains(breaking.getKey().replaceAll("^[a-z-]+: ", "")).contains("; ")
          .doesNotContain("\n");
    }
  }

  @FuzzTest(maxDuration = "60s")
  void fuzzLocks(byte[] content) {
    try {
      KeyBox box = KeyBox.parse(new String(content, StandardCharsets.ISO_8859_1).lines().toList());
      assertThat(KeyBox.parse(box.text().lines().toList()).text()).isEqualTo(box.text());
      byte[] _ = box.open(new Keys(KEYS.all().subList(1, 2)), "it");
    } catch (IllegalArgumentException _) {
      // what is no box
    } catch (ImageException e) {
      assertThat(e.getMessage()).contains("; ");
    }
  }

  /// With the preamble's checksum made to fit, so that what stands behind it is reached.
  @FuzzTest(maxDuration = "60s")
  void fuzzEncryptedStatefile(byte[] content) throws IOException {
    byte[] changed = Arrays.copyOf(content, Math.max(content.length, Layout.PREAMBLE_BYTES));
    ByteBuffer preamble = ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN);
    preamble.putLong(0, Layout.MAGIC).putInt(8, Layout.VERSION).putInt(12, Seal.SEGMENT_BYTES);
    preamble.putLong(16, Seal.FEATURE);
    preamble.putInt(Layout.PREAMBLE_BYTES - 4, Layout.crc(preamble.slice(0, Layout.PREAMBLE_BYTES - 4)));
    Path file = Files.createTempFile("stasis", "fuzz");
    try (ImageReader image = ImageReader.open(Files.write(file, changed), KEYS)) {
      image.metadata();
    } catch (ImageException e) {
      assertThat(e.getMessage()).contains("; ");
    } finally {
      Files.delete(file);
    }
  }

  @FuzzTest(maxDuration = "60s")
  void fuzzCheckpointMarkAndPolicy(byte[] content) throws IOException {
    Path folder = Files.createTempDirectory("stasis-fuzz");
    Path file = Files.write(folder.resolve(Mark.NAME), content);
    try {
      said(() -> Vault.of(new byte[32]).openCheckpoint(content, "a@1", "it"));
      said(() -> Mark.open(folder, KEYS));
      said(() -> Policy.read(file));
      said(() -> KeyFiles.identity(file));
      said(() -> KeyFiles.signingKey(file));
    } finally {
      Files.delete(file);
      Files.delete(folder);
    }
  }

  private interface Attempt {
    Object run() throws ImageException;
  }

  private static void said(Attempt attempt) {
    try {
      assertThat(attempt.run()).isNotNull();
    } catch (ImageException e) {
      assertThat(e.getMessage()).contains("; ");
    }
  }
}

package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.Redaction;
import stasis.linux.abi.Bytes;
import stasis.repository.ImageContent;
import stasis.repository.ImageDestination;
import stasis.repository.ImageException;
import stasis.repository.ImageFacts;
import stasis.repository.ImageReader;
import stasis.repository.ImageStore;
import stasis.repository.ImageWriter;
import stasis.repository.KeyFiles;
import stasis.repository.Keys;
import stasis.repository.Policy;
import stasis.repository.Protection;
import stasis.repository.Repository;

/// Encrypted images on the command line: every verb that takes an image takes its key.
final class KeyVerbsTest {
  private static final Path FIXTURE = Path.of("src/test/resources/stasis/cli/statefile-1");

  private final FakeEngine engine = new FakeEngine();
  @TempDir private Path temp = Path.of("");
  private String key = "";
  private String repo = "";
  private String image = "";

  @BeforeEach
  void encryptedImages() throws ImageException {
    key = temp.resolve("me.key").toString();
    repo = temp.resolve("repo").toString();
    image = temp.resolve("image").toString();
    assertThat(run("keygen", "-o", key).out()).startsWith("x25519:").endsWith("\n").hasSize(7 + 64 + 1);
    Keys keys = new Keys(List.of(KeyFiles.recipient(key + ".pub")));
    write(ImageStore.destination(Path.of(image), false, Protection.of(keys)));
    write(Repository.destination(Path.of(repo), "it", Protection.of(keys)));
    write(Repository.destination(Path.of(repo), "it",
        Protection.of(new Keys(List.of(KeyFiles.identity(Path.of(key)))))));
  }

  private static void write(ImageDestination destination) throws ImageException {
    try (ImageReader whole = ImageReader.open(FIXTURE); ImageWriter writer = destination.begin(_ -> { })) {
      writer.writeMetadata(new ImageContent(whole.metadata(), whole.pageBytes(), List.of(), ImageFacts.NONE));
      ByteBuffer pages = ByteBuffer.allocate((int) whole.pageBytes());
      whole.readPages(0, pages);
      writer.pages().write(pages.flip());
      writer.commit(_ -> { });
    }
  }

  private CommandLineRun run(String... words) {
    return CommandLineRun.of(engine, words);
  }

  private List<String[]> lines() {
    List<String[]> lines = new ArrayList<>();
    for (String line : List.of("inspect IMAGE ps", "inspect IMAGE cat 0x401000 6 --raw", "inspect it --repo REPO show",
        "diff it@1 it@2 --repo REPO", "diff IMAGE IMAGE", "log --repo REPO", "tag it@1 x --repo REPO",
        "tag --delete it@x --repo REPO", "stats --repo REPO", "verify --every-byte --repo REPO",
        "copy it@1 --to TEMP/plain --repo REPO", "copy it@1 --to TEMP/other --to-recipient KEY.pub --repo REPO",
        "forget it@1 --repo REPO", "prune --repo REPO")) {
      lines.add(line.replace("IMAGE", image).replace("REPO", repo).replace("TEMP", temp.toString()).replace("KEY", key)
          .split(" "));
    }
    return lines;
  }

  @Test
  void everyVerbOpensWithTheKeyAndSaysOneSentenceWithoutIt() throws ImageException {
    run("keygen", "-o", temp + "/other.key");
    for (String[] line : lines()) {
      for (String wrong : List.of("", temp + "/other.key")) {
        CommandLineRun refused = wrong.isEmpty() ? run(line) : run(with(line, "--identity", wrong));
        assertThat(refused.status()).as(String.join(" ", line)).isEqualTo(4);
        assertThat(refused.err().lines()).hasSize(1);
        assertThat(refused.err()).contains(wrong.isEmpty() ? " is encrypted for a recipient; give the key: --identity"
            : "the key that was given does not open ");
      }
      CommandLineRun done = run(with(line, "--identity", key));
      assertThat(done.err()).as(String.join(" ", line)).isEmpty();
      assertThat(done.status()).as(String.join(" ", line)).isZero();
    }
    assertThat(run("inspect", "it", "--repo", temp + "/plain").out()).contains("4711");
    assertThat(run("inspect", "it", "--repo", temp + "/other", "--identity", key).out()).contains("4711");
  }

  private static String[] with(String[] line, String... more) {
    List<String> all = new ArrayList<>(List.of(line));
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }

  @Test
  void checkpointAndRestoreHandTheKeysToTheEngine() throws ImageException, IOException {
    Files.writeString(temp.resolve("pass"), "open sesame\nnot this\n");
    run("checkpoint", "4711", "--image", "/i", "--recipient", key + ".pub", "--passphrase-file", temp + "/pass");
    run("restore", "/i", "--identity", key);
    run("restore", "/i", "--dry-run", "--key-file", key);

    assertThat(((Engine.CheckpointOrder) engine.orders.get(0)).image()).isEqualTo(new ImageAt.Folder(Path.of("/i"),
        new Guard(new Keys(List.of(KeyFiles.passphrase(temp.resolve("pass")), KeyFiles.recipient(key + ".pub"))))));
    assertThat(((Engine.RestoreOrder) engine.orders.get(1)).image()).isEqualTo(new ImageAt.Folder(Path.of("/i"),
        new Guard(new Keys(List.of(KeyFiles.identity(Path.of(key)))))));
    assertThat(engine.orders.get(2)).isEqualTo(new ImageAt.Folder(Path.of("/i"),
        new Guard(new Keys(List.of(KeyFiles.keyFile(Path.of(key)))))));
  }

  @Test
  void signerAndPolicyAreHandedToTheEngine() throws ImageException, IOException {
    String open = run("keygen", "--signing", "-o", temp + "/sign.key").out();
    assertThat(open).startsWith("ed25519:");
    Path policy = Files.writeString(temp.resolve("policy"), "accept " + open);
    run("checkpoint", "4711", "--image", "/i", "--sign", temp + "/sign.key");
    run("restore", "/i", "--policy", policy.toString(), "--allow-credentials");

    assertThat(((Engine.CheckpointOrder) engine.orders.get(0)).image().guard().signer())
        .contains(KeyFiles.signingKey(temp.resolve("sign.key")));
    assertThat(((Engine.RestoreOrder) engine.orders.get(1)).image().guard()).isEqualTo(
        new Guard(Keys.NONE, Optional.empty(), Optional.of(Policy.read(policy)), true));
    Files.writeString(policy, "accept me");
    CommandLineRun unclear = run("restore", "/i", "--policy", policy.toString());
    assertThat(unclear.status()).isEqualTo(125);
    assertThat(unclear.err()).contains("has a line that is not understood: accept me; write accept ed25519:HEX NAME");
  }

  @Test
  void whatIsToBeRedactedIsHandedToTheEngine() throws IOException {
    Path file = Files.writeString(temp.resolve("secret"), "in a file\n");
    run("checkpoint", "4711", "--image", "/i", "--redact", "text:words", "--redact", "hex:cafe0001", "--redact",
        "file:" + file, "--redact", "env:TOKEN", "--redact", "dontdump");

    assertThat(((Engine.CheckpointOrder) engine.orders.getFirst()).redaction()).isEqualTo(new Redaction(List.of(
        Bytes.of("words".getBytes(StandardCharsets.US_ASCII)), Bytes.hex("cafe0001"),
        Bytes.of("in a file".getBytes(StandardCharsets.US_ASCII))), List.of("TOKEN"), true));
    for (String wrong : List.of("text:abc", "hex:xyz", "everything", "hex:00")) {
      CommandLineRun run = run("checkpoint", "4711", "--image", "/i", "--redact", wrong);
      assertThat(run.status()).as(wrong).isEqualTo(2);
      assertThat(run.err()).contains("--redact");
    }
  }

  @Test
  void aKeyThatIsNoneIsToldInOneSentence() {
    CommandLineRun checkpoint = run("checkpoint", "4711", "--image", "/i", "--recipient", "nobody");
    CommandLineRun restore = run("restore", "/i", "--identity", key + ".pub");

    assertThat(checkpoint.status()).isEqualTo(4);
    assertThat(checkpoint.err()).contains("cannot read a key in nobody: no such file or directory");
    assertThat(restore.status()).isEqualTo(125);
    assertThat(restore.err()).contains("is no identity; use the file that `stasis keygen` made");
    assertThat(engine.orders).isEmpty();
  }
}

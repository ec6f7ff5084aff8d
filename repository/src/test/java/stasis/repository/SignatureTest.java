package stasis.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Bytes;

/// Signed images, and policies that say whose are accepted.
@Timeout(120)
final class SignatureTest {
  private static final Keys KEYS = new Keys(List.of(new Key.KeyFile(Bytes.hex("42".repeat(32)))));

  @TempDir private Path temp = Path.of("");

  private SigningKey key(String name) throws ImageException {
    KeyFiles.generate(KeyFiles.Kind.SIGNING, temp.resolve(name));
    return KeyFiles.signingKey(temp.resolve(name));
  }

  private static Protection signed(Keys keys, SigningKey by) {
    return new Protection(keys, Optional.of(by));
  }

  private static void write(ImageDestination destination, byte[] pages) throws ImageException {
    try (ImageWriter writer = destination.begin(_ -> { })) {
      writer.writeMetadata(Bytes.hex("0102030405"), pages.length);
      writer.pages().write(ByteBuffer.wrap(pages));
      writer.commit(_ -> { });
    }
  }

  private Policy policy(String... lines) throws Exception {
    return Policy.read(Files.write(temp.resolve("policy"), List.of(lines)));
  }

  private static String accept(SigningKey key) {
    return "accept ed25519:" + HexFormat.of().formatHex(key.publicKey().toArray()) + " somebody";
  }

  private static String refusal(ImageOrigin origin) {
    try (ImageReader image = origin.open()) {
      image.metadata();
      image.verifyPages(2);
      return "";
    } catch (ImageException e) {
      return e.getMessage();
    }
  }

  private List<ImageOrigin> origins(Protection protection) throws Exception {
    byte[] pages = KeptImages.memory(300, 1);
    Path folder = Files.createTempDirectory(temp, "x");
    write(ImageStore.destination(folder.resolve("image"), false, protection), pages);
    write(Repository.destination(folder.resolve("repo"), "a", protection), pages);
    ByteArrayOutputStream stream = new ByteArrayOutputStream();
    write(ImageStream.destination(stream, Optional.empty(), protection), pages);
    return List.of(() -> ImageReader.open(folder.resolve("image"), protection.keys()),
        Repository.origin(folder.resolve("repo"), CheckpointName.parse("a").orElseThrow(), protection.keys()),
        () -> ImageStream.origin(new ByteArrayInputStream(stream.toByteArray()), temp, protection.keys()).open());
  }

  @Test
  void aPolicyAcceptsThoseItNamesAndNobodyElse() throws Exception {
    SigningKey ann = key("ann");
    Policy policy = policy("# ours", "", accept(ann), accept(key("bob")));
    for (Keys keys : List.of(Keys.NONE, KEYS)) {
      for (ImageOrigin origin : origins(signed(keys, ann))) {
        assertThat(refusal(policy.guard(origin))).isEmpty();
        try (ImageReader image = origin.open()) {
          assertThat(image.signer()).contains(ann.publicKey());
          assertThat(image.isGuarded()).isTrue();
        }
      }
      for (ImageOrigin origin : origins(signed(keys, key("eve" + keys.all().size())))) {
        assertThat(refusal(policy.guard(origin))).startsWith("the image is signed by ed25519:")
            .contains(", whom the policy " + policy.file() + " does not accept; ");
      }
      for (ImageOrigin origin : origins(Protection.of(keys))) {
        assertThat(refusal(origin)).isEmpty();
        assertThat(refusal(policy.guard(origin))).startsWith("the image is not signed, and the policy ");
      }
    }
  }

  @Test
  void aPolicyThatIsNotUnderstoodAcceptsNobody() {
    assertThatThrownBy(() -> policy("accept everybody")).hasMessageContaining("not understood: accept everybody; ");
    assertThatThrownBy(() -> policy("reject ed25519:" + "00".repeat(32))).hasMessageContaining("not understood");
    assertThatThrownBy(() -> policy("accept ed25519:00")).hasMessageContaining("is no signer");
    assertThatThrownBy(() -> Policy.read(temp.resolve("gone"))).hasMessageContaining("cannot read the policy");
  }

  /// A bit of every byte of what is not pages, every 4093rd of the pages, every 97th of the zeros before them.
  @Test
  void everyChangedByteOfASignedImageIsFoundAndTheSentenceSaysWhere() throws Exception {
    Path folder = temp.resolve("image");
    write(ImageStore.destination(folder, false, signed(Keys.NONE, key("ann"))), KeptImages.memory(257, 1));
    Path file = folder.resolve(ImageStore.STATEFILE);
    byte[] good = Files.readAllBytes(file);
    Layout layout = new Layout(5, 257 * 4096, true);
    assertThat(good).hasSize((int) layout.fileBytes());
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (int at = 0; at < good.length;
          at += at >= layout.pageOffset() && at + 4093 < layout.trailerOffset() ? 4093
              : at > 100 && at + 97 < layout.pageOffset() ? 97 : 1) {
        channel.write(ByteBuffer.wrap(new byte[] {(byte) (good[at] ^ (1 << at % 8))}), at);
        String said = refusal(() -> ImageReader.open(folder));
        assertThat(said).as("byte %d", at).contains(file.toString());
        if (at >= layout.pageOffset() && at < layout.trailerOffset()) {
          assertThat(said).contains("has damaged pages at bytes ");
        }
        channel.write(ByteBuffer.wrap(good, at, 1), at);
      }
    }
    assertThat(refusal(() -> ImageReader.open(folder))).isEmpty();
  }

  /// As somebody would who wants to be believed: pages changed, and every checksum made to fit.
  @Test
  void pagesThatWereChangedWithTheirChecksumsAreFound() throws Exception {
    Path folder = temp.resolve("image");
    write(ImageStore.destination(folder, false, signed(Keys.NONE, key("ann"))), KeptImages.memory(4, 1));
    Path file = folder.resolve(ImageStore.STATEFILE);
    byte[] bytes = Files.readAllBytes(file);
    Layout layout = new Layout(5, 4 * 4096, true);
    bytes[5000] ^= 1;
    ByteBuffer all = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer table = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN)
        .putInt(0, Layout.crc(all.slice((int) layout.pageOffset(), 4 * 4096)));
    all.put((int) layout.trailerOffset(), table, 0, 4);
    byte[] sha256 = Layout.sha256().digest(Arrays.copyOf(bytes, (int) layout.pageOffset()));
    all.position((int) layout.trailerOffset() + 4).put(layout.tail(sha256, Layout.crc(table)));
    Files.write(file, bytes);

    assertThat(refusal(() -> ImageReader.open(folder))).contains("has damaged pages at bytes 4096 to 20480");
  }

  @Test
  void everyChangedByteOfASignedRepositoryIsFoundOrDoesNotCount() throws Exception {
    Path root = temp.resolve("repo");
    byte[] pages = KeptImages.memory(1, 1);
    write(Repository.destination(root, "a", signed(Keys.NONE, key("ann"))), pages);
    ImageOrigin origin = Repository.origin(root, CheckpointName.parse("a").orElseThrow());
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.filter(Files::isRegularFile).filter(one -> !one.endsWith("lock")).toList()) {
        byte[] good = Files.readAllBytes(file);
        for (int at = 0; at < good.length; at += good.length > 2000 ? 7 : 1) {
          byte[] bad = good.clone();
          bad[at] ^= (byte) (1 << at % 8);
          Files.write(file, bad);
          if (refusal(origin).isEmpty()) {
            // Bits that no reader looks at: what is read is what was signed.
            KeptImages.assertHolds(root, "a", new byte[] {1, 2, 3, 4, 5}, pages);
          }
        }
        Files.write(file, good);
      }
    }
    assertThat(refusal(origin)).isEmpty();
  }

  @Test
  void aCheckpointChangedWithItsLastLineIsFound() throws Exception {
    Path root = temp.resolve("repo");
    write(Repository.destination(root, "a", signed(Keys.NONE, key("ann"))), KeptImages.memory(1, 1));
    Path file = root.resolve("checkpoints/a/1");
    String text = Files.readString(file).replace("created 0", "created 1");
    int last = text.lastIndexOf("\nroot ") + 1;
    String root256 = HexFormat.of().formatHex(
        Layout.sha256().digest(text.substring(0, last).getBytes(StandardCharsets.UTF_8)));
    Files.writeString(file, text.substring(0, last) + "root " + root256 + text.substring(last + 5 + 64));

    assertThat(KeptImages.refusal(root, "a")).get().asString()
        .contains("checkpoints/a/1 has a signature that does not fit: it was changed; ");
  }

  @Test
  void aSignatureGoesAlongWithAPlainCopyAndCanBeGivenToAnEncryptedOne() throws Exception {
    SigningKey ann = key("ann");
    Path root = temp.resolve("repo");
    write(Repository.destination(root, "a", signed(Keys.NONE, ann)), KeptImages.memory(1, 1));
    Catalogue catalogue = Catalogue.open(root);
    CheckpointName name = CheckpointName.parse("a").orElseThrow();

    assertThat(catalogue.copy(name, temp.resolve("other"), Protection.NONE).signer()).contains(ann.publicKey());
    assertThat(KeptImages.refusal(temp.resolve("other"), "a")).isEmpty();
    assertThat(catalogue.copy(name, temp.resolve("closed"), Protection.of(KEYS)).signer()).isEmpty();
    assertThat(catalogue.copy(name, temp.resolve("closed"), signed(KEYS, ann)).signer()).contains(ann.publicKey());
    assertThat(KeptImages.refusal(temp.resolve("closed"), "a@2", KEYS)).isEmpty();
    assertThat(catalogue.log().getFirst().signer()).contains(ann.publicKey());
  }
}

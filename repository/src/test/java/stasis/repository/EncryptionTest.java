package stasis.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Bytes;

/// Images that only a key opens: in folders, in a stream, in repositories.
@Timeout(120)
final class EncryptionTest {
  private static final byte[] SECRET = "correct horse battery staple".getBytes(StandardCharsets.US_ASCII);
  private static final Keys KEYS = keys(new Key.KeyFile(Bytes.hex("42".repeat(32))));

  @TempDir private Path temp = Path.of("");

  private static Keys keys(Key... all) {
    return new Keys(List.of(all));
  }

  private Key.Identity identity(String name) throws ImageException {
    Path file = temp.resolve(name);
    KeyFiles.generate(KeyFiles.Kind.IDENTITY, file);
    return KeyFiles.identity(file);
  }

  /// Metadata and pages with a secret in both. @param pages how many
  private static byte[] metadata() {
    byte[] metadata = KeptImages.metadata(5);
    System.arraycopy(SECRET, 0, metadata, 70_000, SECRET.length);
    return metadata;
  }

  private static byte[] pages(int count) {
    byte[] pages = KeptImages.memory(count, 3);
    System.arraycopy(SECRET, 0, pages, pages.length / 2, SECRET.length);
    return pages;
  }

  private static void write(ImageWriter writer, byte[] pages) throws Exception {
    try (writer) {
      writer.writeMetadata(Bytes.of(metadata()), pages.length);
      writer.pages().write(ByteBuffer.wrap(pages));
      writer.commit(written -> assertThat(written.metadata().toArray()).isEqualTo(metadata()));
    }
  }

  private Path folder(Keys keys, byte[] pages) throws Exception {
    Path folder = Files.createTempDirectory(temp, "image").resolve("i");
    write(ImageStore.destination(folder, false, Protection.of(keys)).begin(_ -> { }), pages);
    return folder;
  }

  private static void assertHolds(ImageReader image, byte[] pages) throws Exception {
    try (image) {
      assertThat(image.metadata().toArray()).isEqualTo(metadata());
      image.layOut(2, new java.util.BitSet());
      byte[] laidOut = new byte[pages.length];
      try (FileChannel file = FileChannel.open(image.pageFile(), StandardOpenOption.READ)) {
        FolderReader.readFully(file, image.pageOffset(), ByteBuffer.wrap(laidOut));
      }
      assertThat(laidOut).isEqualTo(pages);
      ByteBuffer part = ByteBuffer.allocate(10_000);
      image.readPages(60_000, part);
      assertThat(part.array()).isEqualTo(Arrays.copyOfRange(pages, 60_000, 70_000));
    }
  }

  private static boolean contains(Path tree, byte[] bytes) throws Exception {
    String wanted = new String(bytes, StandardCharsets.ISO_8859_1);
    try (Stream<Path> files = Files.walk(tree)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        if (Files.readString(file, StandardCharsets.ISO_8859_1).contains(wanted)) {
          return true;
        }
      }
      return false;
    }
  }

  @Test
  void anImageComesBackForEachOfItsKeysAndNothingOfItCanBeReadWithout() throws Exception {
    Key.Identity ann = identity("ann");
    Key.Identity bob = identity("bob");
    Key passphrase = new Key.Passphrase("open sesame é");
    byte[] pages = pages(700);
    Path image = folder(keys(passphrase, KEYS.all().getFirst(), ann.recipient(), bob.recipient()), pages);

    for (Key key : List.of(passphrase, KEYS.all().getFirst(), ann, bob)) {
      assertHolds(ImageReader.open(image, keys(key)), pages);
    }
    assertThat(contains(image, SECRET)).isFalse();
    assertThat(contains(image, Arrays.copyOf(pages, 24))).isFalse();
    assertThat(contains(folder(Keys.NONE, pages), SECRET)).isTrue();
    assertThatThrownBy(() -> ImageReader.open(image)).hasMessage(image.resolve("statefile")
        + " is encrypted for a passphrase and a key file and 2 recipients;"
        + " give the key: --passphrase-file or --key-file or --identity");
    for (Key wrong : List.of(new Key.Passphrase("open sesame"), identity("eve"), ann.recipient(),
        new Key.KeyFile(Bytes.hex("43".repeat(32))))) {
      assertThatThrownBy(() -> ImageReader.open(image, keys(wrong))).isInstanceOf(ImageException.class)
          .hasMessageStartingWith("the key that was given does not open " + image);
    }
  }

  @Test
  void aKeyForWhatIsNotEncryptedIsRefusedSinceItMayBeAnothersImage() throws Exception {
    Path image = folder(Keys.NONE, pages(3));
    KeptImages.write(temp.resolve("repo"), "a", metadata(), pages(3));

    assertThatThrownBy(() -> ImageReader.open(image, KEYS))
        .hasMessageContaining("is not encrypted, and a key was given");
    assertThat(KeptImages.refusal(temp.resolve("repo"), "a", KEYS)).get().asString()
        .contains("is not encrypted, and a key was given; ");
  }

  @Test
  void aStreamIsEncryptedAsAFolderIs() throws Exception {
    byte[] pages = pages(600);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    write(ImageStream.destination(out, Optional.empty(), Protection.of(KEYS)).begin(_ -> { }), pages);

    assertHolds(ImageStream.origin(new ByteArrayInputStream(out.toByteArray()), temp, KEYS).open(), pages);
    assertThat(new String(out.toByteArray(), StandardCharsets.ISO_8859_1))
        .doesNotContain(new String(SECRET, StandardCharsets.ISO_8859_1));
    byte[] cut = Arrays.copyOf(out.toByteArray(), out.size() - 1);
    assertThatThrownBy(() -> ImageStream.origin(new ByteArrayInputStream(cut), temp, KEYS).open())
        .isInstanceOf(ImageException.class).hasMessageContaining("is cut short");
  }

  /// Every byte at both ends of a small image, each 23rd between; a bit of each, another one each time.
  @Test
  void everyChangedByteOfAnEncryptedImageIsFound() throws Exception {
    Path folder = Files.createTempDirectory(temp, "small").resolve("i");
    try (ImageWriter writer = ImageStore.destination(folder, false, Protection.of(KEYS)).begin(_ -> { })) {
      writer.writeMetadata(Bytes.hex("0102030405"), 4096);
      writer.pages().write(ByteBuffer.wrap(KeptImages.memory(1, 1)));
      writer.commit(_ -> { });
    }
    Path file = folder.resolve(ImageStore.STATEFILE);
    byte[] good = Files.readAllBytes(file);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (int at = 0; at < good.length; at += at < 400 || at > good.length - 200 ? 1 : 23) {
        channel.write(ByteBuffer.wrap(new byte[] {(byte) (good[at] ^ (1 << at % 8))}), at);
        assertThatThrownBy(() -> ImageReader.open(folder, KEYS)).as("byte %d", at).isInstanceOf(ImageException.class)
            .hasMessageContaining(file.toString());
        channel.write(ByteBuffer.wrap(good, at, 1), at);
      }
    }
    ImageReader.open(folder, KEYS).close();
  }

  @Test
  void segmentsCannotBeExchangedNorComeFromAnotherImage() throws Exception {
    byte[] pages = pages(64);
    Path one = folder(KEYS, pages).resolve(ImageStore.STATEFILE);
    Path other = folder(KEYS, pages).resolve(ImageStore.STATEFILE);
    byte[] good = Files.readAllBytes(one);
    byte[] second = Files.readAllBytes(other);
    int from = new String(good, StandardCharsets.ISO_8859_1).indexOf('\n', Layout.PREAMBLE_BYTES) + 1;

    byte[] exchanged = good.clone();
    System.arraycopy(good, from + 2 * Seal.CLOSED_BYTES, exchanged, from + 3 * Seal.CLOSED_BYTES, Seal.CLOSED_BYTES);
    System.arraycopy(good, from + 3 * Seal.CLOSED_BYTES, exchanged, from + 2 * Seal.CLOSED_BYTES, Seal.CLOSED_BYTES);
    assertThat(said(one, exchanged)).contains("is damaged, or was changed, at bytes "
        + (from + 2 * Seal.CLOSED_BYTES) + " to " + (from + 3 * Seal.CLOSED_BYTES));
    byte[] mixed = good.clone();
    System.arraycopy(second, from + 2 * Seal.CLOSED_BYTES, mixed, from + 2 * Seal.CLOSED_BYTES, Seal.CLOSED_BYTES);
    assertThat(said(one, mixed)).contains("is damaged, or was changed, at bytes " + (from + 2 * Seal.CLOSED_BYTES));
  }

  private static String said(Path file, byte[] content) throws Exception {
    Files.write(file, content);
    try (ImageReader reader = ImageReader.open(file, KEYS)) {
      reader.verifyPages(1);
      return "NOTHING";
    } catch (ImageException e) {
      return e.getMessage();
    }
  }

  @Test
  void anEncryptedRepositoryKeepsEachContentOnceAndShowsNoneOfIt() throws Exception {
    Path root = temp.resolve("repo");
    byte[] pages = pages(300);
    KeptImages.write(root, "a", KEYS, metadata(), pages, List.of(), _ -> { });
    long added = KeptImages.write(root, "b", KEYS, metadata(), pages, List.of(), _ -> { });

    assertThat(added).isZero();
    KeptImages.assertHolds(root, "a", KEYS, metadata(), pages);
    assertThat(contains(root, SECRET)).isFalse();
    for (String word : List.of("4711", "host", "metadata")) {
      assertThat(contains(root, word.getBytes(StandardCharsets.US_ASCII))).as(word).isFalse();
    }
    assertThat(Catalogue.open(root, KEYS).verify(true)).isEmpty();
    assertThat(KeptImages.refusal(root, "a")).get().asString().contains("is encrypted for a key file; give the key");
    assertThat(KeptImages.refusal(root, "a", keys(new Key.Passphrase("x")))).get().asString()
        .contains("the key that was given does not open the repository " + root);
    assertThatThrownBy(() -> KeptImages.write(root, "a", metadata(), pages)).hasMessageContaining("is encrypted for");
  }

  /// A name shows nothing: the same content is called otherwise elsewhere, and not by its SHA-256.
  @Test
  void namesOfChunksAreKeyed() throws Exception {
    byte[] pages = pages(16);
    KeptImages.write(temp.resolve("one"), "a", KEYS, metadata(), pages, List.of(), _ -> { });
    KeptImages.write(temp.resolve("two"), "a", KEYS, metadata(), pages, List.of(), _ -> { });
    KeptImages.write(temp.resolve("plain"), "a", metadata(), pages);

    List<ChunkId> all = new ArrayList<>();
    for (String name : List.of("one", "two", "plain")) {
      try (ChunkStore store = ChunkStore.open(temp.resolve(name), Vault.NONE)) {
        for (IndexFile index : store.indexes()) {
          index.each(entry -> all.add(entry.id()));
        }
      }
    }
    assertThat(all).hasSizeGreaterThan(6).doesNotHaveDuplicates();
  }

  /// Sampled: each third byte of small files.
  @Test
  void everyChangedByteOfAnEncryptedRepositoryIsFoundOrDoesNotCount() throws Exception {
    Path root = temp.resolve("repo");
    byte[] small = KeptImages.memory(1, 1);
    KeptImages.write(root, "a", KEYS, new byte[100], small, List.of(), _ -> { });
    List<Path> files;
    try (Stream<Path> found = Files.walk(root)) {
      files = found.filter(Files::isRegularFile).filter(file -> !file.endsWith("lock")).toList();
    }
    assertThat(files).hasSize(4);
    for (Path file : files) {
      byte[] good = Files.readAllBytes(file);
      for (int at = 0; at < good.length; at += good.length > 2000 ? 19 : 3) {
        byte[] bad = good.clone();
        bad[at] ^= (byte) (1 << at % 8);
        Files.write(file, bad);
        assertThat(verified(root)).as("%s byte %d", file, at).isNotEmpty();
        if (KeptImages.refusal(root, "a", KEYS).isEmpty()) {
          KeptImages.assertHolds(root, "a", KEYS, new byte[100], small);
        }
      }
      Files.write(file, good);
    }
    assertThat(verified(root)).isEmpty();
  }

  private static List<String> verified(Path root) {
    try {
      return Catalogue.open(root, KEYS).verify(true);
    } catch (ImageException e) {
      return List.of(e.getMessage());
    }
  }

  @Test
  void aCheckpointCannotTakeAnothersPlace() throws Exception {
    Path root = temp.resolve("repo");
    KeptImages.write(root, "a", KEYS, metadata(), pages(20), List.of(), _ -> { });
    KeptImages.write(root, "a", KEYS, KeptImages.metadata(9), pages(21), List.of(), _ -> { });
    Files.copy(root.resolve("checkpoints/a/1"), root.resolve("checkpoints/a/2"),
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);

    assertThat(KeptImages.refusal(root, "a@2", KEYS)).get().asString()
        .contains("checkpoints/a/2 is damaged or was changed, or is another's; ");
    KeptImages.assertHolds(root, "a@1", KEYS, metadata(), pages(20));
  }

  @Test
  void checkpointsAreCopiedBetweenRepositoriesOfDifferentKeysAndPrunedThere() throws Exception {
    Path plain = temp.resolve("plain");
    Path closed = temp.resolve("closed");
    byte[] pages = pages(100);
    KeptImages.write(plain, "a", metadata(), pages);
    CheckpointName name = CheckpointName.parse("a").orElseThrow();

    assertThat(Catalogue.open(plain).copy(name, closed, Protection.of(KEYS)).title()).isEqualTo("a@1");
    assertThat(Catalogue.open(plain).copy(name, closed, Protection.of(KEYS)).addedBytes()).isZero();
    KeptImages.assertHolds(closed, "a@2", KEYS, metadata(), pages);
    Catalogue catalogue = Catalogue.open(closed, KEYS);
    assertThat(catalogue.copy(name, plain, Protection.of(Keys.NONE)).addedBytes()).isZero();
    KeptImages.assertHolds(plain, "a@2", metadata(), pages);
    KeptImages.write(closed, "b", KEYS, KeptImages.metadata(1), KeptImages.memory(50, 8), List.of(), _ -> { });
    catalogue.forget(List.of(catalogue.find(name), catalogue.log("a").getFirst()));
    assertThat(catalogue.prune(false).freedBytes()).isPositive();
    KeptImages.assertHolds(closed, "b", KEYS, KeptImages.metadata(1), KeptImages.memory(50, 8));
    assertThat(catalogue.verify(true)).isEmpty();
    assertThat(catalogue.log()).extracting(KeptImage::title).containsExactly("b@1");
  }

  @Test
  void keyFilesThatAreNoneSaySo() throws Exception {
    Path file = Files.writeString(temp.resolve("short"), "abc\n");

    assertThatThrownBy(() -> KeyFiles.keyFile(file)).hasMessageContaining("is too short for a key file; ");
    assertThatThrownBy(() -> KeyFiles.identity(file)).hasMessageContaining("is no identity; ");
    assertThatThrownBy(() -> KeyFiles.signingKey(file)).hasMessageContaining("is no signing key; ");
    assertThatThrownBy(() -> KeyFiles.recipient(file.toString())).hasMessageContaining("is no recipient; ");
    assertThatThrownBy(() -> KeyFiles.recipient("x25519:00")).hasMessageContaining("64 hexadecimal digits");
    assertThatThrownBy(() -> KeyFiles.passphrase(Files.writeString(temp.resolve("empty"), "\nx")))
        .hasMessageContaining("has an empty first line");
    assertThatThrownBy(() -> KeyFiles.keyFile(temp.resolve("gone"))).hasMessageContaining("no such file");
    KeyFiles.generate(KeyFiles.Kind.KEY_FILE, temp.resolve("key"));
    assertThatThrownBy(() -> KeyFiles.generate(KeyFiles.Kind.KEY_FILE, temp.resolve("key")))
        .hasMessageContaining("exists; give another file");
    assertThat(Files.getPosixFilePermissions(temp.resolve("key"))).hasToString("[OWNER_READ, OWNER_WRITE]")
        .satisfies(_ -> assertThat(KeyFiles.keyFile(temp.resolve("key")).content().length()).isEqualTo(65));
    assertThat(KeyFiles.passphrase(file).text()).isEqualTo("abc");
  }
}

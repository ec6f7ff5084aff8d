package stasis.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Bytes;

/// An image that refers to the pages of one before instead of bringing them.
final class EarlierPagesTest {
  private static final int PAGE = KeptImages.PAGE;
  private static final int WINDOW = 16 * PAGE;
  private static final byte[] METADATA = KeptImages.metadata(1);

  @TempDir private Path temp = Path.of("");

  private RepositoryWriter writer(Keys keys) throws ImageException {
    return Repository.begin(temp.resolve("repo"), "it", Protection.of(keys), _ -> { }, _ -> { });
  }

  private static List<ImageContent.Stretch> stretch(byte[] pages) {
    return List.of(new ImageContent.Stretch(1, 0x7f00_0000_0000L, pages.length));
  }

  private ImageIdentity first(Keys keys, byte[] pages) throws ImageException {
    try (RepositoryWriter writer = writer(keys)) {
      writer.writeMetadata(new ImageContent(Bytes.of(METADATA), pages.length, stretch(pages), ImageFacts.NONE));
      writer.pages().write(ByteBuffer.wrap(pages));
      writer.commit(_ -> { });
      return writer.identity().orElseThrow();
    }
  }

  /// Of `pages` only those between `from` and `to` are brought.
  private void second(Keys keys, ImageIdentity before, byte[] pages, int from, int to) throws ImageException {
    try (RepositoryWriter writer = writer(keys)) {
      EarlierPages earlier = writer.earlier(before).orElseThrow();
      assertThat(earlier.metadata().toArray()).isEqualTo(METADATA);
      assertThat(earlier.holds(from, WINDOW)).isTrue();
      writer.writeMetadata(new ImageContent(Bytes.of(METADATA), pages.length, stretch(pages),
          List.of(new ImageContent.Kept(0, from, 0), new ImageContent.Kept(to, pages.length - to, to)),
          ImageFacts.NONE));
      writer.pages().write(ByteBuffer.wrap(pages, from, to - from));
      writer.commit(written -> written.verifyPages(1));
    }
  }

  private void assertKept(Keys keys) throws ImageException {
    byte[] pages = KeptImages.memory(16 * 300, 1);
    Arrays.fill(pages, 5 * WINDOW, 7 * WINDOW, (byte) 0);
    ImageIdentity before = first(keys, pages);
    byte[] changed = pages.clone();
    changed[100 * WINDOW + 7] ^= 1;

    second(keys, before, changed, 100 * WINDOW, 101 * WINDOW);

    KeptImages.assertHolds(temp.resolve("repo"), "it@1", keys, METADATA, pages);
    KeptImages.assertHolds(temp.resolve("repo"), "it@2", keys, METADATA, changed);
  }

  @Test
  void whatIsNotBroughtIsThereAllTheSame() throws ImageException {
    assertKept(Keys.NONE);
  }

  @Test
  void alsoWhereItIsEncrypted() throws ImageException {
    assertKept(new Keys(List.of(new Key.KeyFile(Bytes.hex("42".repeat(32))))));
  }

  @Test
  void allMayBeKept() throws ImageException {
    byte[] pages = KeptImages.memory(16 * 20, 1);
    ImageIdentity before = first(Keys.NONE, pages);
    try (RepositoryWriter writer = writer(Keys.NONE)) {
      assertThat(writer.earlier(before)).isPresent();
      writer.writeMetadata(new ImageContent(Bytes.of(METADATA), pages.length, stretch(pages),
          List.of(new ImageContent.Kept(0, pages.length, 0)), ImageFacts.NONE));
      assertThat(writer.commit(_ -> { })).isZero();
    }
    KeptImages.assertHolds(temp.resolve("repo"), "it@2", METADATA, pages);
  }

  @Test
  void onlyTheVeryImageThatWasMeantIsEarlier() throws ImageException {
    ImageIdentity before = first(Keys.NONE, KeptImages.memory(16, 1));
    try (RepositoryWriter writer = writer(Keys.NONE)) {
      assertThat(writer.earlier(new ImageIdentity(before.title(), "00".repeat(32)))).isEmpty();
      assertThat(writer.earlier(new ImageIdentity("it@2", before.root()))).isEmpty();
      assertThat(writer.earlier(new ImageIdentity("/", before.root()))).isEmpty();
      assertThat(writer.identity()).isEqualTo(Optional.empty());
    }
  }

  @Test
  void onlyWholePiecesCanBeKept() throws ImageException {
    byte[] pages = KeptImages.memory(16 * 4, 1);
    ImageIdentity before = first(Keys.NONE, pages);
    try (RepositoryWriter writer = writer(Keys.NONE)) {
      EarlierPages earlier = writer.earlier(before).orElseThrow();
      assertThat(earlier.holds(WINDOW, WINDOW)).isTrue();
      assertThat(earlier.holds(WINDOW, 2 * WINDOW)).isFalse();
      assertThat(earlier.holds(WINDOW + PAGE, WINDOW - PAGE)).isFalse();
      assertThat(earlier.holds(pages.length, WINDOW)).isFalse();
      assertThat(earlier.holds(-1, WINDOW)).isFalse();
      assertThatThrownBy(() -> {
        writer.writeMetadata(new ImageContent(Bytes.of(METADATA), pages.length, stretch(pages),
            List.of(new ImageContent.Kept(PAGE, WINDOW, 0)), ImageFacts.NONE));
        writer.pages().write(ByteBuffer.wrap(pages, 0, pages.length - WINDOW));
      }).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("no whole pieces");
    }
  }
}

package stasis.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
final class CatalogueTest {
  private static final int ENOUGH = 100;

  @TempDir private Path temp = Path.of("");
  private Path root = Path.of("");

  @BeforeEach
  void threeOfOneNameAndOneOfAnother() throws Exception {
    root = temp.resolve("repo");
    for (int i = 1; i <= 3; i++) {
      KeptImages.write(root, "a", KeptImages.metadata(i), KeptImages.memory(100 * i, i));
    }
    KeptImages.write(root, "b", KeptImages.metadata(1), KeptImages.memory(100, 1));
  }

  private static CheckpointName name(String text) {
    return CheckpointName.parse(text).orElseThrow();
  }

  private List<String> titles() throws ImageException {
    return Catalogue.open(root).log().stream().map(KeptImage::title).toList();
  }

  private static long bytes(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.mapToLong(file -> file.toFile().length()).sum();
    }
  }

  @Test
  void theLogSaysWhatWasWritten() throws Exception {
    assertThat(titles()).containsExactly("a@1", "a@2", "a@3", "b@1");
    KeptImage image = Catalogue.open(root).find(name("a@2"));
    assertThat(image.facts()).isEqualTo(new ImageFacts(KeptImages.FACTS.createdUnixNs(), "host", "a b\\x5c\\x0a", 4711,
        2, 5));
    assertThat(image.contentBytes()).isEqualTo(200 * 4096 + 100_000);
    assertThat(image.root()).matches("[0-9a-f]{64}");
  }

  @Test
  void aTagNamesACheckpointMovesAndGoes() throws Exception {
    Catalogue catalogue = Catalogue.open(root);
    catalogue.tag(name("a@1"), "golden");
    KeptImages.assertHolds(root, "a@golden", KeptImages.metadata(1), KeptImages.memory(100, 1));
    catalogue.tag(name("a"), "golden");
    KeptImages.assertHolds(root, "a@golden", KeptImages.metadata(3), KeptImages.memory(300, 3));
    catalogue.untag("a", "golden");

    assertThat(KeptImages.refusal(root, "a@golden")).isPresent();
    assertThatThrownBy(() -> catalogue.untag("a", "golden")).hasMessageContaining("has no tag a@golden");
    assertThatThrownBy(() -> catalogue.tag(name("a"), "17")).hasMessageContaining("'17' is no tag");
  }

  @Test
  void numbersAreNotGivenTwice() throws Exception {
    Catalogue catalogue = Catalogue.open(root);
    catalogue.forget(List.of(catalogue.find(name("a@3")), catalogue.find(name("a@2"))));
    KeptImages.write(root, "a", new byte[] {1}, new byte[0]);

    assertThat(titles()).containsExactly("a@1", "a@4", "b@1");
  }

  @Test
  void retentionKeepsTheNewestOfEachSpanAndWhatIsTagged() {
    long hour = 3_600_000_000_000L;
    List<KeptImage> images = IntStream.rangeClosed(1, 30).mapToObj(i -> new KeptImage("a", i, new ImageFacts(
        i * hour / 2, "h", "p", 1, 1, 1), 0, 0, i == 3 ? List.of("golden") : List.of(), "",
        Optional.empty())).toList();

    assertThat(new Retention(2, 0, 0, 0).forgotten(images)).hasSize(27).noneMatch(i -> i.number() == 3);
    List<KeptImage> forgotten = new Retention(1, 3, 0, 0).forgotten(images);
    assertThat(images.stream().filter(i -> !forgotten.contains(i)).map(KeptImage::number))
        .containsExactly(3, 27, 29, 30);
    assertThat(new Retention(0, 0, 1, 0).forgotten(images)).hasSize(28);
    assertThat(new Retention(0, 0, 0, 1).forgotten(images)).hasSize(28);
  }

  @Test
  void pruneFreesWhatNobodyNeedsAndOnlyThat() throws Exception {
    Catalogue catalogue = Catalogue.open(root);
    long before = bytes(root.resolve("packs"));
    catalogue.forget(List.of(catalogue.find(name("a@1")), catalogue.find(name("a@3"))));
    Catalogue.Pruned looked = catalogue.prune(true);
    assertThat(bytes(root.resolve("packs"))).isEqualTo(before);
    Catalogue.Pruned pruned = catalogue.prune(false);

    assertThat(pruned.freedBytes()).isEqualTo(before - bytes(root.resolve("packs"))).isGreaterThan(600_000);
    assertThat(looked.chunksKept()).isEqualTo(pruned.chunksKept());
    KeptImages.assertHolds(root, "a@2", KeptImages.metadata(2), KeptImages.memory(200, 2));
    KeptImages.assertHolds(root, "b@1", KeptImages.metadata(1), KeptImages.memory(100, 1));
    assertThat(catalogue.verify(true)).isEmpty();
    catalogue.forget(catalogue.log());
    catalogue.prune(false);
    assertThat(bytes(root.resolve("packs"))).isZero();
    assertThat(bytes(root.resolve("index"))).isZero();
  }

  @Test
  void aPruneThatFailsAtAnyChangeLosesNothing() throws Exception {
    Catalogue whole = Catalogue.open(root);
    // So that packs have parts that live: what a@1 has, b@1 has too.
    whole.forget(List.of(whole.find(name("a@1")), whole.find(name("a@3"))));
    KeptImages.write(root, "a", KeptImages.metadata(9), KeptImages.memory(250, 3));
    whole.forget(List.of(whole.find(name("a@2"))));
    List<String> changes = new ArrayList<>();
    boolean done = false;
    for (int fail = 0; fail < ENOUGH && !done; fail++) {
      AtomicInteger left = new AtomicInteger(fail);
      Path copy = temp.resolve("copy-" + fail);
      KeptImages.copy(root, copy);
      try {
        Catalogue.open(copy, Keys.NONE, change -> {
          if (left.getAndDecrement() == 0) {
            changes.add(change);
            throw new IOException("No space left on device");
          }
        }).prune(false);
        done = true;
      } catch (ImageException e) {
        assertThat(e.getMessage()).contains("no space left on the device");
      }
      KeptImages.assertHolds(copy, "a@4", KeptImages.metadata(9), KeptImages.memory(250, 3));
      KeptImages.assertHolds(copy, "b@1", KeptImages.metadata(1), KeptImages.memory(100, 1));
      assertThat(Catalogue.open(copy).verify(true)).isEmpty();
      Catalogue.open(copy).prune(false);
      assertThat(Catalogue.open(copy).verify(true)).isEmpty();
    }

    assertThat(done).isTrue();
    assertThat(changes).anyMatch(change -> change.startsWith("delete") && change.endsWith(".index"))
        .anyMatch(change -> change.startsWith("delete") && change.endsWith(".pack"))
        .anyMatch(change -> change.startsWith("rename") && change.endsWith(".pack"));
  }

  @Test
  void pruneWaitsForNobodyButIsRefusedWhileSomeoneReads() throws Exception {
    try (ImageReader _ = KeptImages.open(root, "b", Keys.NONE)) {
      assertThatThrownBy(() -> Catalogue.open(root).prune(false)).isInstanceOfSatisfying(ImageException.class,
          e -> assertThat(e.reason()).isEqualTo(ImageException.Reason.OCCUPIED))
          .hasMessageContaining("is being written to or read from");
    }
  }

  @Test
  void aLostIndexIsMadeAnewFromThePacks() throws Exception {
    try (Stream<Path> indexes = Files.list(root.resolve("index"))) {
      for (Path index : indexes.toList()) {
        Files.delete(index);
      }
    }
    assertThat(Catalogue.open(root).verify(false)).isNotEmpty();

    assertThat(Catalogue.open(root).reindex()).isPositive();
    assertThat(Catalogue.open(root).verify(true)).isEmpty();
    KeptImages.assertHolds(root, "a@2", KeptImages.metadata(2), KeptImages.memory(200, 2));
  }

  @Test
  void manySmallIndexesBecomeOne() throws Exception {
    for (int i = 0; i < 20; i++) {
      KeptImages.write(root, "c", KeptImages.metadata(i), KeptImages.memory(2, i));
    }

    try (Stream<Path> indexes = Files.list(root.resolve("index"))) {
      assertThat(indexes).hasSizeLessThan(10);
    }
    assertThat(Catalogue.open(root).verify(true)).isEmpty();
  }

  @Test
  void aCopyIsWholeAndTakesOnlyWhatIsMissing() throws Exception {
    Catalogue catalogue = Catalogue.open(root);
    Path other = temp.resolve("other");
    assertThat(catalogue.copy(name("b"), other, Protection.of(Keys.NONE)).title()).isEqualTo("b@1");
    KeptImage second = catalogue.copy(name("a@1"), other, Protection.of(Keys.NONE));

    assertThat(second.title()).isEqualTo("a@1");
    assertThat(second.addedBytes()).isZero();
    KeptImages.assertHolds(other, "a", KeptImages.metadata(1), KeptImages.memory(100, 1));
    assertThat(Catalogue.open(other).verify(true)).isEmpty();
  }

  @Test
  void figuresCountEachContentOnce() throws Exception {
    Catalogue.Figures figures = Catalogue.open(root).figures();

    assertThat(figures.checkpoints()).isEqualTo(4);
    assertThat(figures.names()).isEqualTo(2);
    assertThat(figures.contentBytes()).isEqualTo(700 * 4096 + 400_000);
    assertThat(figures.chunkBytes()).isBetween(600L * 4096 + 300_000, 600L * 4096 + 310_000);
    assertThat(figures.packBytes()).isEqualTo(bytes(root.resolve("packs"))).isGreaterThan(figures.storedBytes());
  }
}

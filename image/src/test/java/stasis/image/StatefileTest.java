package stasis.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.invoke.MethodHandles;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Bytes;

class StatefileTest {
  private static final long SECTION = 8192 + (1 << 20);

  @Test
  void comesBackAsItWas() throws Exception {
    Statefile statefile = Samples.statefile(1);

    assertThat(Statefile.decode(statefile.encode(), SECTION, Limits.DEFAULT)).isEqualTo(statefile);
  }

  /// What statefiles of version 1 hold.
  private record First(@Tag(1) StatefileHeader header, @Tag(2) List<SchemaDescriptor> schemas,
      @Tag(3) List<StoredObject> objects, @Tag(4) List<LossRow> losses, @Tag(5) List<PageMap> pageMaps) {}

  @Test
  void oneWithEveryRowOfItsLossTableIsStillRead() throws Exception {
    Statefile statefile = Samples.statefile(1);
    Bytes old = Schema.of(MethodHandles.lookup(), First.class, "statefile", 1).encode(new First(statefile.header(),
        statefile.schemas(), statefile.objects(), statefile.losses(), statefile.pageMaps()));

    assertThat(statefile.losses()).isNotEmpty();
    assertThat(Statefile.decode(old, SECTION, Limits.DEFAULT)).isEqualTo(statefile);
  }

  @Test
  void sameTreeInAnyOrderGivesTheSameBytes() {
    Bytes first = Samples.statefile(0).encode();

    for (int seed = 1; seed < 50; seed++) {
      assertThat(Samples.statefile(seed).encode()).isEqualTo(first);
    }
  }

  @Test
  void objectsAndPagesAreFound() {
    Statefile statefile = Samples.statefile(1);

    assertThat(statefile.object(new ObjectId(3))).map(StoredObject::schemaName).contains("test.owned");
    assertThat(statefile.object(new ObjectId(4))).isEmpty();
    assertThat(statefile.objects("file.signalfd")).hasSize(1);
    assertThat(statefile.pageSectionBytes()).isEqualTo(SECTION);
    assertThat(statefile.pageMap(new ObjectId(1)).orElseThrow().runs().lengthBytes()).isEqualTo(4196);
  }

  @Test
  void everyReferenceMustHoldOnWritingAndOnReading() {
    List<StoredObject> objects = Samples.objects();
    assertBroken(List.of(objects.get(0), objects.get(0)), List.of(), "two objects are called #1");
    assertBroken(List.of(objects.get(0), objects.get(2)), List.of(), "the owner of #3 is #2, which does not exist");
    assertBroken(List.of(objects.get(1)), List.of(), "what object #2 refers to is #1, which does not exist");
    assertBroken(List.of(owned(5, 5)), List.of(), "object #5 owns itself");
    assertBroken(List.of(owned(5, 6), owned(6, 5)), List.of(), "owns itself");
    assertBroken(List.of(), Samples.pageMaps(), "the body of a page map is #1, which does not exist");
    PageMap map = Samples.pageMaps().getFirst();
    assertBroken(objects, List.of(map, map), "object #1 has two page maps");
    assertBroken(objects, List.of(map, new PageMap(new ObjectId(2), map.runs())),
        "two page runs share byte 0 of the page section");
    assertBroken(List.of(new StoredObject(new ObjectId(1), "file.other", 1, Bytes.EMPTY, Optional.empty())), List.of(),
        "object #1 is a file.other v1, which is not described");
    assertBroken(List.of(new StoredObject(new ObjectId(1), "file.signalfd", 1, Bytes.EMPTY, Optional.empty())),
        List.of(), "object #1: file.signalfd v1, field mask, byte 0: is missing");
  }

  private static StoredObject owned(int id, int owner) {
    return StoredObject.of(new ObjectId(id), Samples.OWNED, new Samples.Owned(new ObjectId(id)),
        Optional.of(new ObjectId(owner)));
  }

  private static void assertBroken(List<StoredObject> objects, List<PageMap> maps, String reason) {
    List<SchemaDescriptor> schemas = Samples.statefile(1).schemas();
    assertThatThrownBy(() -> new Statefile(Samples.header(), schemas, objects, List.of(), maps))
        .isInstanceOf(IllegalArgumentException.class).hasMessageContaining(reason);
  }

  @Test
  void referencesAreCheckedInWhatWasReadToo() {
    Bytes good = Samples.statefile(1).encode();
    String ownerOfThree = "0806" + "120a746573742e6f776e6564"; // id #3, "test.owned"
    String dangling = good.toHex().replace(ownerOfThree, "0808" + "120a746573742e6f776e6564");
    String duplicate = good.toHex().replace(ownerOfThree, "0804" + "120a746573742e6f776e6564");

    assertThat(dangling).isNotEqualTo(good.toHex());
    assertThat(decoded(Bytes.hex(dangling))).isEmpty(); // #4 owned by #2: harmless
    assertThat(decoded(Bytes.hex(duplicate))).contains("Statefile refuses it: two objects are called #2");
  }

  private static String decoded(Bytes metadata) {
    try {
      Statefile.decode(metadata, SECTION, Limits.DEFAULT);
      return "";
    } catch (DecodeException e) {
      return String.valueOf(e.getMessage());
    }
  }

  @Test
  void requiredFeaturesThatTheReaderDoesNotKnowAreNamed() {
    assertThat(Samples.header().unknownFeatures(Set.of("threads"))).containsExactly("aio");
    assertThat(Samples.header().requiredFeatures()).containsExactly("aio", "threads");
  }

  @Test
  void runsBeyondThePageSectionAreRefused() {
    Bytes encoded = Samples.statefile(1).encode();

    assertThatThrownBy(() -> Statefile.decode(encoded, SECTION - 4096, Limits.DEFAULT))
        .isInstanceOf(DecodeException.class)
        .hasMessageContaining("page runs reach to byte 1056768 of a page section of 1052672");
  }

  @Test
  void aLonePageCostsThreeBytesAndComesBack() {
    List<PageRun> runs = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      runs.add(new PageRun(0x5555_0000_0000L + i * 12288L, 4096, i * 4096L));
    }

    PageRuns packed = PageRuns.of(runs);

    assertThat(packed.packed().length()).isLessThan(3 * 20_000 + 10);
    assertThat(packed.list()).isEqualTo(runs);
    assertThat(packed.count()).isEqualTo(20_000);
  }

  @Test
  void runsOfAnyLengthAndOrderInTheSectionComeBack() {
    List<PageRun> runs = List.of(new PageRun(0, 1, 4096 * 5), new PageRun(4096, 4097, 0),
        new PageRun(1L << 46, (1L << 40) + 3, 1L << 41));

    assertThat(PageRuns.of(runs).list()).isEqualTo(runs);
  }

  @Test
  void runsThatOverlapOverflowOrEndEarlyAreRefused() {
    assertThatThrownBy(() -> PageRuns.of(List.of(new PageRun(0, 4097, 0), new PageRun(4096, 1, 8192))))
        .hasMessageContaining("overlap");
    assertThatThrownBy(() -> new PageRun(1, 4096, 0)).hasMessageContaining("not a page run");
    assertThatThrownBy(() -> new PageRun(0, Long.MAX_VALUE, 0)).hasMessageContaining("not a page run");
    assertThatThrownBy(() -> new PageRuns(Bytes.hex("0002"))).hasMessageContaining("in the middle");
    assertThatThrownBy(() -> new PageRuns(Bytes.hex("000001"))).hasMessageContaining("not a page run");
    assertThatThrownBy(() -> new PageRuns(Bytes.hex("ffffffffffffffff7f0200"))).hasMessageContaining("2^63");
    assertThatThrownBy(() -> new PageRuns(Bytes.hex("ffffffffffffffffffff7f0200"))).hasMessageContaining("10 bytes");
  }

  @Test
  void metadataLayoutIsGolden() throws Exception {
    try (var golden = StatefileTest.class.getResourceAsStream("statefile.schema")) {
      assertThat(Statefile.descriptor().describe()).isEqualTo(new String(golden.readAllBytes(),
          StandardCharsets.UTF_8));
    }
  }

  @Test
  void showPrintsObjectsByTheirOwnSchemas() throws Exception {
    assertThat(Samples.statefile(1).show())
        .contains("#1 file.signalfd v1\n  mask: 0000000000000200\n  flags: 2048\n", "hostName: \"host\"");
  }
}

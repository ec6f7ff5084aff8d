package stasis.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.SigSet;

class SchemaTest {
  record Renumbered(@Tag(1) SigSet mask, @Tag(2) int flags, @Tag(3) Optional<String> owner,
      @Tag(4) List<Integer> added) {}

  record Demanding(@Tag(1) SigSet mask, @Tag(9) int flags) {}

  record Ranged(@Tag(1) int percent) {
    Ranged {
      if (percent > 100) {
        throw new IllegalArgumentException("percent is at most 100, was " + percent);
      }
    }
  }

  record Untagged(int one, int two) {}

  record TwiceTagged(@Tag(1) int one, @Tag(1) int two) {}

  record Unstorable(@Tag(1) Object any) {}

  record Doubtful(@Tag(1) List<List<Integer>> lists) {}

  record Endless(@Tag(1) Optional<Endless> inner) {}

  record Open(@Tag(1) int value, @Tag(2) Optional<Open> next) {}

  @Test
  void everyShapeComesBackAsItWas() throws Exception {
    Bytes encoded = Samples.EVERYTHING.encode(Samples.everything());

    assertThat(Samples.EVERYTHING.decode(encoded, Limits.DEFAULT)).isEqualTo(Samples.everything());
  }

  @Test
  void descriptionIsOneLinePerField() {
    assertThat(Samples.SIGNALFD.describe()).isEqualTo("file.signalfd v1\n  1 mask:SigSet\n  2 flags:int\n");
  }

  @Test
  void descriptionNamesNestedTypesVariantsEnumsAndRetiredTags() {
    assertThat(Samples.EVERYTHING.describe()).isEqualTo("""
        test.everything v3
          1 small:int
          2 large:long
          3 set:boolean
          4 text:String
          5 bytes:Bytes
          6 address:RemoteAddress
          7 tid:Optional<Tid>
          8 watches:List<Watch>
          9 numbers:List<long>
          10 paths:List<PathBytes>
          11 last:Optional<Watch>
          12 origin:Origin
          13 flags:List<boolean>
          retired 14 20
        Watch
          1 fd:Fd
          2 file:ObjectId
          3 data:long
          4 trigger:Trigger
        enum Trigger LEVEL EDGE
        one of Origin
          1 Path:Path
          2 Anonymous:Anonymous
          4 Nested:Nested
        Path
          1 path:PathBytes
        Anonymous
        Nested
          1 origin:Origin
        """);
  }

  @Test
  void wireIsPlainProtobuf() {
    Bytes encoded = Samples.SIGNALFD.encode(new Samples.SignalFd(new SigSet(0x200), -1));

    // field 1, varint, zigzag(0x200) = 0x400; field 2, varint, zigzag(-1) = 1
    assertThat(encoded.toHex()).isEqualTo("088008" + "1001");
  }

  @Test
  void fieldsOfANewerEngineAreSkippedByTheClassAndShownByTheDescriptor() throws Exception {
    Schema<Renumbered> newer = Schema.of(MethodHandles.lookup(), Renumbered.class, "file.signalfd", 2);
    Bytes encoded = newer.encode(new Renumbered(new SigSet(1), 2, Optional.of("me"), List.of(5, 6)));

    assertThat(Samples.SIGNALFD.decode(encoded, Limits.DEFAULT)).isEqualTo(new Samples.SignalFd(new SigSet(1), 2));
    assertThat(Samples.SIGNALFD.descriptor().show(encoded)).isEqualTo("""
        file.signalfd v1
          mask: 0000000000000001
          flags: 2
          ?3: wire type 2, 6d65
          ?4: wire type 2, 0a0c
        """);
  }

  @Test
  void recordsOfAnOlderEngineLackOnlyWhatMayBeAbsent() throws Exception {
    Schema<Renumbered> newer = Schema.of(MethodHandles.lookup(), Renumbered.class, "file.signalfd", 2);
    Bytes old = Samples.SIGNALFD.encode(new Samples.SignalFd(new SigSet(1), 2));

    assertThat(newer.decode(old, Limits.DEFAULT))
        .isEqualTo(new Renumbered(new SigSet(1), 2, Optional.empty(), List.of()));
  }

  @Test
  void missingRequiredFieldIsNamed() {
    Schema<Demanding> demanding = Schema.of(MethodHandles.lookup(), Demanding.class, "file.signalfd", 1);
    Bytes other = Samples.SIGNALFD.encode(new Samples.SignalFd(new SigSet(1), 2));

    assertThatThrownBy(() -> demanding.decode(other, Limits.DEFAULT))
        .isInstanceOf(DecodeException.class)
        .hasMessage("file.signalfd v1, field flags, byte 4: is missing");
  }

  @Test
  void whatTheConstructorRefusesIsADecodeException() {
    Schema<Ranged> ranged = Schema.of(MethodHandles.lookup(), Ranged.class, "test.ranged", 1);

    assertThatThrownBy(() -> ranged.decode(Bytes.hex("08ca01"), Limits.DEFAULT))
        .isInstanceOf(DecodeException.class)
        .hasMessage("test.ranged v1, byte 3: Ranged refuses it: percent is at most 100, was 101");
  }

  @Test
  void whatAScalarsConstructorRefusesNamesTheField() {
    Bytes broken = Bytes.hex("0801"); // Owned.of = #-1

    assertThatThrownBy(() -> Samples.OWNED.decode(broken, Limits.DEFAULT))
        .hasMessage("test.owned v1, field of, byte 2: ObjectId refuses it: object id must be > 0, was -1");
  }

  @Test
  void malformedBytesAreRefusedWithTheirPlace() {
    assertRefused("08", "field mask, byte 1: not well-formed");
    assertRefused("0880", "not well-formed");
    assertRefused("08020802", "field mask, byte 3: stands there twice");
    assertRefused("0a0102", "wire type 2 where WHOLE has 0");
    assertRefused("08021001" + "3b" + "3c", "wire type 3, which is not in use");
    assertRefused("0802" + "10ffffffffffffffffff01", "does not fit an int");
    assertRefused("00", "not well-formed");
    assertRefused("1affffffff07", "not well-formed");
  }

  private static void assertRefused(String hex, String reason) {
    assertThatThrownBy(() -> Samples.SIGNALFD.decode(Bytes.hex(hex), Limits.DEFAULT))
        .isInstanceOf(DecodeException.class).hasMessageContaining(reason).hasMessageContaining("file.signalfd v1");
  }

  @Test
  void listsOfNumbersAreReadPackedAndUnpacked() throws Exception {
    Schema<Renumbered> schema = Schema.of(MethodHandles.lookup(), Renumbered.class, "test", 1);

    Renumbered read = schema.decode(Bytes.hex("08021002" + "2002" + "22020406" + "2008"), Limits.DEFAULT);

    assertThat(read.added()).containsExactly(1, 2, 3, 4);
  }

  @Test
  void depthElementsAndSizeAreBounded() {
    Schema<Endless> endless = Schema.of(MethodHandles.lookup(), Endless.class, "test.endless", 1);
    Endless deep = new Endless(Optional.empty());
    for (int i = 0; i < 40; i++) {
      deep = new Endless(Optional.of(deep));
    }
    Bytes encoded = endless.encode(deep);

    assertThatThrownBy(() -> endless.decode(encoded, Limits.DEFAULT)).hasMessageContaining("more than 32 messages");
    assertThatThrownBy(() -> endless.decode(encoded, new Limits(10, 64, 10))).hasMessageContaining("at most 10");
    assertThatThrownBy(() -> Samples.EVERYTHING.decode(Samples.EVERYTHING.encode(Samples.everything()),
        new Limits(1000, 10, 3))).hasMessageContaining("more than 3 list elements");
  }

  @Test
  void recordsThatCannotBeStoredAreRefusedAtFirstUse() {
    assertUnfit(Untagged.class, "has no @Tag");
    assertUnfit(TwiceTagged.class, "tag 1 is used twice");
    assertUnfit(Unstorable.class, "java.lang.Object cannot be stored");
    assertUnfit(Doubtful.class, "cannot be stored");
    assertThatThrownBy(() -> Schema.of(MethodHandles.lookup(), Ranged.class, "test", 1, 1).describe())
        .hasMessageContaining("tag 1 is retired");
    assertThatThrownBy(() -> Schema.of(MethodHandles.publicLookup(), Ranged.class, "test", 1).describe())
        .hasMessageContaining("not visible");
  }

  private static <S extends Record> void assertUnfit(Class<S> type, String reason) {
    assertThatThrownBy(() -> Schema.of(MethodHandles.lookup(), type, "test", 1).describe())
        .isInstanceOf(IllegalArgumentException.class).hasMessageContaining(reason);
  }

  @Test
  void anObjectIsReadOnlyByItsOwnSchemaAndNotByAnOlderOne() throws Exception {
    Schema<Renumbered> newer = Schema.of(MethodHandles.lookup(), Renumbered.class, "file.signalfd", 2);
    StoredObject object = Samples.objects().getFirst();
    StoredObject future = StoredObject.of(new ObjectId(7), newer,
        new Renumbered(new SigSet(1), 2, Optional.empty(), List.of()), Optional.empty());

    assertThat(Samples.SIGNALFD.decode(object, Limits.DEFAULT).flags()).isEqualTo(0x800);
    assertThat(newer.decode(object, Limits.DEFAULT).flags()).isEqualTo(0x800);
    assertThatThrownBy(() -> Samples.OWNED.decode(object, Limits.DEFAULT))
        .hasMessage("test.owned v1, byte 0: object #1 is a file.signalfd v1");
    assertThatThrownBy(() -> Samples.SIGNALFD.decode(future, Limits.DEFAULT))
        .hasMessage("file.signalfd v1, byte 0: object #7 is a file.signalfd v2");
  }

  @Test
  void recordsThatContainThemselvesComeBack() throws Exception {
    Schema<Open> schema = Schema.of(MethodHandles.lookup(), Open.class, "test.open", 1);
    Open two = new Open(1, Optional.of(new Open(2, Optional.empty())));

    assertThat(schema.decode(schema.encode(two), Limits.DEFAULT)).isEqualTo(two);
  }

  @Test
  void showNeedsNoClassAndEscapesWhatTerminalsObey() throws Exception {
    SchemaDescriptor travelled = travel(Samples.EVERYTHING.descriptor());
    Samples.Everything loud = new Samples.Everything(1, 2, false, "\u001b[31m\"\\", Bytes.EMPTY,
        Samples.everything().address(), Optional.empty(), Samples.everything().watches(), List.of(),
        Samples.everything().paths(), new Samples.Origin.Anonymous(), Optional.empty(), List.of());
    Bytes record = Samples.EVERYTHING.encode(loud);

    assertThat(travelled.show(record)).isEqualTo("""
        test.everything v3
          small: 1
          large: 2
          set: false
          text: "\\x1b[31m\\"\\\\"
          bytes: ""
          address: 0xfffffffffffff000
          watches:
            -
              fd: 3
              file: #1
              data: -1
              trigger: "EDGE"
            -
              fd: 0
              file: #2
              data: 7
              trigger: "LEVEL"
          numbers: []
          paths:
            - "/tmp/\\xff"
            - ""
          origin:
            Anonymous: {}
          flags: []
        """);
    assertThat(Samples.EVERYTHING.show(loud)).isEqualTo(travelled.show(record));
  }

  @Test
  void jsonNeedsNoClass() throws Exception {
    SchemaDescriptor travelled = travel(Samples.EVERYTHING.descriptor());
    Bytes record = Samples.EVERYTHING.encode(Samples.everything());

    assertThat(travelled.read(record, Limits.DEFAULT).json()).isEqualTo("{\"small\":-1,\"large\":-9223372036854775808,"
        + "\"set\":true,\"text\":\"läuft\",\"bytes\":\"00ff\",\"address\":\"0xfffffffffffff000\",\"tid\":4711,"
        + "\"watches\":[{\"fd\":3,\"file\":1,\"data\":-1,\"trigger\":\"EDGE\"},"
        + "{\"fd\":0,\"file\":2,\"data\":7,\"trigger\":\"LEVEL\"}],\"numbers\":[0,-1,9223372036854775807],"
        + "\"paths\":[\"/tmp/\\\\xff\",\"\"],\"origin\":{\"Nested\":{\"origin\":{\"Path\":{\"path\":\"/dev/null\"}}}},"
        + "\"flags\":[true,false]}");
  }

  private static SchemaDescriptor travel(SchemaDescriptor descriptor) throws DecodeException {
    Schema<SchemaDescriptor> schema = Schema.of(MethodHandles.lookup(), SchemaDescriptor.class, "schema", 1);
    SchemaDescriptor travelled = schema.decode(schema.encode(descriptor), Limits.DEFAULT);
    assertThat(travelled).isEqualTo(descriptor);
    return travelled;
  }
}

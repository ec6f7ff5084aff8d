package stasis.kinds.body.memfd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.body.memfd.MemfdBody.Owner;
import stasis.kinds.body.memfd.MemfdBody.State;
import stasis.kinds.fake.FakeBody;
import stasis.kinds.fake.FakeFile;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.kinds.file.NamedFile;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.BodyKind;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class MemfdBodyTest extends MemoryContract<State> {
  private static final ObjectId SELF = new ObjectId(3);
  private static final int F_GET_SEALS = 1034;
  private static final int SHRINK_AND_FUTURE_WRITE = 0x12;
  private static final String READ_ONLY = "rd sh mr me ms";
  private static final String WRITABLE = "rd wr sh mr mw me ms";

  private static FakeFile file() {
    Bytes statx = Bytes.zeros(256).withU32(20, 1000).withU32(24, 100);
    return new FakeFile("/memfd:a b (deleted)", "pos:\t0\nflags:\t02\n", stat(FileStat.S_IFREG | 0640, 77, 0, 10))
        .answering(new Answer(SHRINK_AND_FUTURE_WRITE, Map.of()), Nr.FCNTL, Arg.self(), Arg.imm(F_GET_SEALS))
        .answering(new Answer(0, Map.of(2, Bytes.zeros(1), 4, statx)), Nr.STATX, Arg.self(), Arg.string(""),
            Arg.imm(0x1000), Arg.imm(0x7ff), Arg.space(256));
  }

  private static FakeMapping mapping(String flags) {
    return FakeMapping.of("7f0000000000-7f0000002000 r--s 00001000 00:01 77   /memfd:a b (deleted)", flags);
  }

  @Override
  protected BodyKind<State> kind() {
    return new MemfdBody();
  }

  @Override
  protected State sample() {
    return new State("a b", 10, 0640, Optional.of(new Owner(1000, 100)), SHRINK_AND_FUTURE_WRITE, true, true,
        Optional.of(NamedFile.modifiedNs(file().facts())), Optional.empty());
  }

  @Override
  protected void program(Script script) {
    kind().restore(sample(), SELF, script, REFS);
    kind().finish(sample(), SELF, script, REFS);
    State constant = new State("sealed", 4096, 0777, Optional.of(new Owner(0, 0)), 0x8, false, true, Optional.empty(),
        Optional.empty());
    kind().restore(constant, SELF, script, REFS);
    kind().finish(constant, SELF, script, REFS);
    kind().restore(huge(), SELF, script, REFS);
  }

  private static State huge() {
    return new State("pages", 4 << 20, 0777, Optional.of(new Owner(1000, 100)), 0, true, true,
        Optional.of(1_000_000_000_005L), Optional.of(2L << 20));
  }

  @Test
  void nameSizeModeOwnerAndSealsAreTheInodes() throws ObstructedException {
    assertThat(kind().checkpoint(new FakeBody(SELF).open(file()).mapped(mapping(WRITABLE)))).isEqualTo(sample());
    assertThat(kind().contents(sample())).isEqualTo(BodyKind.Contents.FILE);
  }

  @Test
  void sealsComeBeforeMappingsMadeUnderThem() throws ObstructedException {
    State state = kind().checkpoint(new FakeBody(SELF).open(file()).mapped(mapping(READ_ONLY)));
    assertThat(state.mappedWritable()).isFalse();
    assertThat(explain(script -> kind().finish(state, SELF, script, REFS))).doesNotContain("0x409");
    assertThat(explain(script -> kind().restore(state, SELF, script, REFS))).contains("0x409, 0x12");
  }

  @Test
  void mappingsFromBeforeAndAfterAFutureWriteSealAreRefused() {
    var body = new FakeBody(SELF).open(file()).mapped(mapping(READ_ONLY), mapping(WRITABLE));
    assertThatThrownBy(() -> kind().checkpoint(body)).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("F_SEAL_FUTURE_WRITE");
  }

  @Test
  void withoutAnFdTheWriteSealIsToldFromTheMapping() throws ObstructedException {
    State sealed = kind().checkpoint(new FakeBody(SELF).mapped(mapping(READ_ONLY)));
    State open = kind().checkpoint(new FakeBody(SELF).mapped(mapping(WRITABLE)));
    assertThat(sealed.seals()).isEqualTo(0x8);
    assertThat(open.seals()).isZero();
    assertThat(open.sizeBytes()).as("as far as it is mapped").isEqualTo(0x3000);
    assertThat(kind().contents(open)).isEqualTo(BodyKind.Contents.MEMORY);
  }

  @Test
  void theSizeOfHugePagesIsThatOfTheFileSystemsBlocksOrOfTheMapping() throws ObstructedException {
    var open = new FakeBody(SELF).open(file().magic(0x958458f6L).answering(
        new Answer(0, Map.of(1, Bytes.zeros(120).withU64(8, 1 << 30))), Nr.FSTATFS, Arg.self(), Arg.space(120)));
    var mapped = new FakeBody(SELF).mapped(mapping(WRITABLE + " de ht"));
    assertThat(kind().checkpoint(open).hugePageBytes()).contains(1L << 30);
    assertThat(kind().checkpoint(mapped).hugePageBytes()).contains(2L << 20);
  }

  @Test
  void hugePagesAreFilledInAHoleThatIsGoneWhenTheFileIsMade() {
    assertThat(kind().holeBytes(huge())).isEqualTo(6 << 20);
    assertThat(kind().isMapped(huge())).isFalse();
    assertThat(kind().holeBytes(sample())).isZero();
  }

  @Test
  void sealsThatAreNoneAreNotDecoded() {
    assertThatThrownBy(() -> new State("x", 0, 0777, Optional.empty(), 0x40, false, true, Optional.empty(),
        Optional.empty()))
        .isInstanceOf(IllegalArgumentException.class);
  }
}

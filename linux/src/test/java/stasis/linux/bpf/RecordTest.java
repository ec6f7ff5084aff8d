package stasis.linux.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.bpf.BtfBuilder.Member;

/// Records are laid out, filled and read back without a kernel.
final class RecordTest {
  private enum Sample implements KernelField {
    NEAR(true, "near"), FAR(true, "far"), FLAG(true, "flag"), BEHIND(true, "next->near"), ABSENT(false, "absent"),
    OTHER_NAME(true, "old_name", "near2");

    private final boolean required;
    @SuppressWarnings("ImmutableEnumChecker") // List.of() makes it so
    private final List<String> expressions;

    Sample(boolean required, String... expressions) {
      this.required = required;
      this.expressions = List.of(expressions);
    }

    @Override
    public List<String> expressions() {
      return expressions;
    }

    @Override
    public boolean required() {
      return required;
    }
  }

  private static Btf btf() {
    var builder = new BtfBuilder();
    int u32 = builder.integer("unsigned int", 4);
    int pointer = builder.reference(BtfBuilder.PTR, "", 3);
    builder.struct(BtfBuilder.STRUCT, "task", 400, new Member("near", u32, 64, 0), new Member("near2", u32, 128, 0),
        new Member("flag", u32, 163, 2), new Member("next", pointer, 192, 0), new Member("far", u32, 2400, 0));
    return Btf.parse(builder.build());
  }

  @Test
  void neighboursAreCopiedInOnePieceAndTheDistantOnesInTheirOwn() throws UnsupportedKernel {
    RecordLayout<Sample> layout = RecordLayout.of(btf(), "task", Sample.class);
    assertThat(layout.pieces()).containsExactly(
        new RecordLayout.Piece(List.of(), 8, 13, 0),
        new RecordLayout.Piece(List.of(), 300, 4, 16),
        new RecordLayout.Piece(List.of(24), 8, 4, 24));
    assertThat(layout.bytes()).isEqualTo(32);
    assertThat(layout.has(Sample.ABSENT)).isFalse();
    assertThat(layout.absent(Sample.class)).containsExactly("absent");
  }

  @Test
  void fieldsAreReadFromWhereTheLayoutPutThem() throws UnsupportedKernel {
    byte[] records = new byte[64];
    records[32] = 0x11;
    records[35] = (byte) 0x80;
    records[40] = 0x22;
    records[44] = 0b1_0000;
    records[48] = 0x33;
    records[56] = 0x44;
    Row<Sample> row = new Row<>(RecordLayout.of(btf(), "task", Sample.class), records, 32);
    assertThat(row.int32(Sample.NEAR)).isEqualTo(0x80000011);
    assertThat(row.unsigned(Sample.NEAR)).isEqualTo(0x80000011L);
    assertThat(row.int32(Sample.OTHER_NAME)).isEqualTo(0x22);
    assertThat(row.int32(Sample.FLAG)).isEqualTo(2);
    assertThat(row.int32(Sample.FAR)).isEqualTo(0x33);
    assertThat(row.address(Sample.BEHIND)).isEqualTo(new RemoteAddress(0x44));
    assertThatThrownBy(() -> row.int32(Sample.ABSENT)).hasMessageContaining("absent");
  }

  private enum Trailing implements KernelField {
    ARRAY;

    @Override
    public List<String> expressions() {
      return List.of("array");
    }

    @Override
    public int trailingBytes() {
      return 24;
    }
  }

  @Test
  void aTrailingArrayIsReadWhereItLiesAndOneThatIsPointedToWhereThatLeads() throws UnsupportedKernel {
    var builder = new BtfBuilder();
    int u16 = builder.integer("short", 2);
    int none = builder.array(u16, 0);
    int pointer = builder.reference(BtfBuilder.PTR, "", u16);
    builder.struct(BtfBuilder.STRUCT, "within", 16, new Member("array", none, 128, 0));
    builder.struct(BtfBuilder.STRUCT, "behind", 24, new Member("array", pointer, 128, 0));
    Btf btf = Btf.parse(builder.build());
    assertThat(RecordLayout.of(btf, "within", Trailing.class).pieces())
        .containsExactly(new RecordLayout.Piece(List.of(), 16, 24, 0));
    assertThat(RecordLayout.of(btf, "behind", Trailing.class).pieces())
        .containsExactly(new RecordLayout.Piece(List.of(16), 0, 24, 0));
  }

  @Test
  void aKernelWithoutARequiredFieldIsRefusedByTheFieldsName() {
    var builder = new BtfBuilder();
    int u32 = builder.integer("unsigned int", 4);
    builder.struct(BtfBuilder.STRUCT, "task", 16, new Member("near", u32, 64, 0), new Member("near2", u32, 96, 0));
    assertThatThrownBy(() -> RecordLayout.of(Btf.parse(builder.build()), "task", Sample.class))
        .isInstanceOf(UnsupportedKernel.class).hasMessage("this kernel's task has no far, flag, next->near");
  }

  @Test
  void instructionsAreEncodedAsTheInstructionSetSays() {
    var insns = new Insns();
    int end = insns.label();
    int again = insns.label();
    insns.bind(again);
    insns.set(Insns.R1, 42);
    insns.load64(Insns.R7, Insns.FP, -16);
    insns.jumpIfEqual(Insns.R7, 0, end);
    insns.add(Insns.R7, -8);
    insns.jump(again);
    insns.bind(end);
    insns.exit();
    assertThat(insns.assemble()).containsExactly(0x2a_0000_01b7L, 0xfff0_a779L, 0x0002_0715L, 0xfffffff8_0000_0707L,
        0xfffb_0005L, 0x95L);
  }

  @Test
  void aJumpWithoutATargetIsAMistakeOfOurs() {
    var insns = new Insns();
    insns.jump(insns.label());
    assertThatThrownBy(insns::assemble).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aTimerThatExpiredAndWaitsForItsSignalExpiresNextAtAMultipleOfItsInterval() {
    PosixTimer timer = timer(0, 2, 100, 1_000);
    assertThat(timer.leftNs(900)).isEqualTo(100);
    assertThat(timer.leftNs(1_000)).isEqualTo(100);
    assertThat(timer.leftNs(1_030)).isEqualTo(70);
    assertThat(timer.leftNs(1_230)).isEqualTo(70);
  }

  @Test
  void anArmedTimerNeverSaysZeroAndADisarmedOneAlwaysDoes() {
    assertThat(timer(0, 1, 0, 1_000).leftNs(2_000)).isEqualTo(1);
    assertThat(timer(0, 0, 0, 1_000).leftNs(500)).isZero();
    assertThat(timer(1, 0, 0, 1_000).leftNs(400)).as("SIGEV_NONE").isEqualTo(600);
    assertThat(timer(1, 0, 0, 1_000).leftNs(1_400)).as("SIGEV_NONE, over").isZero();
    assertThat(new HiddenGroup.ItimerReal(true, 5_000, 0).leftNs(9_000)).isEqualTo(1_000);
    assertThat(new HiddenGroup.ItimerReal(false, 5_000, 7).leftNs(1_000)).isZero();
  }

  @Test
  void adjustmentsOfALargerSetThanIsReadAreRefused() {
    var undo = new SemUndo(3, List.of((short) 1, (short) -2, (short) 99));
    assertThat(undo.adjustments(2)).containsExactly((short) 1, (short) -2);
    assertThatThrownBy(() -> undo.adjustments(4)).hasMessageContaining("semaphore set 3 has 4 semaphores");
  }

  private static PosixTimer timer(int notification, int status, long intervalNs, long expiresNs) {
    return new PosixTimer(1, 1, notification, 10, java.util.Optional.empty(), java.util.Optional.empty(),
        new RemoteAddress(0), status, 0, intervalNs, 1, expiresNs);
  }
}

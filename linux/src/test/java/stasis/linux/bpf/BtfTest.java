package stasis.linux.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;
import stasis.linux.bpf.BtfBuilder.Member;

/// Fields are found where C would find them; a malformed blob is refused, whatever is wrong with it.
final class BtfTest {
  private static final List<String> EXPRESSIONS = List.of("pid", "u", "deep", "bits", "flag", "list[1].b", "next->pid",
      "next->next->list", "name[3]", "absent", "next->absent", "pid.no");

  @Test
  void aPlainFieldHasItsOffsetAndSize() {
    assertThat(sample().field("task", "pid")).contains(new FieldPlace(List.of(), 8, 4, 0, 0));
  }

  @Test
  void fieldsOfUnnamedMembersAreFieldsOfTheStruct() {
    assertThat(sample().field("task", "u")).contains(new FieldPlace(List.of(), 16, 8, 0, 0));
    assertThat(sample().field("task", "deep")).contains(new FieldPlace(List.of(), 20, 4, 0, 0));
  }

  @Test
  void aBitfieldIsTheBytesItTouchesAndWhereItBeginsInThem() {
    assertThat(sample().field("task", "flag")).contains(new FieldPlace(List.of(), 24, 1, 2, 1));
    assertThat(sample().field("task", "bits")).contains(new FieldPlace(List.of(), 24, 2, 3, 9));
  }

  @Test
  void elementsAndPointersAreFollowedThroughTypeNames() {
    assertThat(sample().field("task", "list[1].b")).contains(new FieldPlace(List.of(), 44, 4, 0, 0));
    assertThat(sample().field("task", "next->next->list")).contains(new FieldPlace(List.of(48, 48), 32, 16, 0, 0));
  }

  @Test
  void anElementBeyondADeclaredLengthIsWhereItWouldBe() {
    assertThat(sample().field("task", "name[3]")).contains(new FieldPlace(List.of(), 68, 4, 0, 0));
  }

  @Test
  void whatAKernelDoesNotHaveIsEmpty() {
    assertThat(sample().field("task", "absent")).isEmpty();
    assertThat(sample().field("task", "next->absent")).isEmpty();
    assertThat(sample().field("no_struct", "pid")).isEmpty();
    assertThat(sample().function("no_function")).isEmpty();
    assertThat(sample().enumerator("work", "NO_CONSTANT")).isEmpty();
    assertThat(sample().sizeOf("tas")).as("a prefix of a name").isEmpty();
  }

  @Test
  void functionsSizesAndConstantsAreFound() {
    assertThat(sample().function("bpf_iter_task")).isEqualTo(OptionalInt.of(12));
    assertThat(sample().sizeOf("task")).isEqualTo(OptionalInt.of(72));
    assertThat(sample().enumerator("work", "WORK_BIT")).isEqualTo(OptionalInt.of(6));
    assertThat(sample().typeCount()).isEqualTo(14);
  }

  @Test
  void aBlobCutAnywhereIsRefused() {
    byte[] whole = blob();
    for (int length = 0; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> Btf.parse(cut)).as("cut to %d", length).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aBlobWrongInAnyByteGivesAnAnswerOrIsRefusedButNeverBreaksTheReader() {
    byte[] whole = blob();
    for (int at = 0; at < whole.length; at++) {
      for (int value : new int[] {0, 1, 4, 0x7f, 0x80, 0xff}) {
        byte[] wrong = whole.clone();
        wrong[at] = (byte) value;
        ask(wrong);
      }
    }
  }

  @Test
  void randomBytesBehindAGoodHeaderNeverBreakTheReader() {
    var random = new Random(7);
    for (int i = 0; i < 2_000; i++) {
      byte[] wrong = blob();
      for (int j = 0; j < 12; j++) {
        wrong[24 + random.nextInt(wrong.length - 24)] = (byte) random.nextInt();
      }
      ask(wrong);
    }
  }

  @Test
  void aStructThatContainsItselfIsRefused() {
    var builder = new BtfBuilder();
    builder.struct(BtfBuilder.STRUCT, "task", 8, new Member("", 1, 0, 0));
    assertThatThrownBy(() -> Btf.parse(builder.build()).field("task", "pid"))
        .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("nested too deep");
  }

  /// Returns or throws [IllegalArgumentException]; anything else fails the test.
  private static void ask(byte[] blob) {
    try {
      Btf btf = Btf.parse(blob);
      for (String expression : EXPRESSIONS) {
        Optional<FieldPlace> place = btf.field("task", expression);
        place.ifPresent(found -> assertThat(found.offsetBytes()).isNotNegative());
      }
      btf.function("bpf_iter_task");
      btf.sizeOf("task");
      btf.enumerator("work", "WORK_BIT");
      btf.typeCount();
    } catch (IllegalArgumentException refused) {
      assertThat(refused).hasMessageStartingWith("BTF: ");
    }
  }

  private static Btf sample() {
    return Btf.parse(blob());
  }

  private static byte[] blob() {
    var builder = new BtfBuilder();
    int u32 = builder.integer("unsigned int", 4);
    int u64 = builder.integer("unsigned long", 8);
    int pid = builder.reference(BtfBuilder.TYPEDEF, "pid_t", u32);
    int inner =
        builder.struct(BtfBuilder.STRUCT, "", 8, new Member("shallow", u32, 0, 0), new Member("deep", u32, 32, 0));
    int union = builder.struct(BtfBuilder.UNION, "", 8, new Member("u", u64, 0, 0), new Member("", inner, 0, 0));
    int pair = builder.struct(BtfBuilder.STRUCT, "pair", 8, new Member("a", u32, 0, 0), new Member("b", u32, 32, 0));
    int pairs = builder.array(pair, 2);
    int name = builder.array(u32, 1);
    int constTask = builder.reference(BtfBuilder.CONST, "", 11);
    int pointer = builder.reference(BtfBuilder.PTR, "", constTask);
    builder.struct(BtfBuilder.STRUCT, "task", 72, new Member("head", u64, 0, 0), new Member("pid", pid, 64, 0),
        new Member("", union, 128, 0), new Member("flag", u32, 194, 1), new Member("bits", u32, 195, 9),
        new Member("list", pairs, 256, 0), new Member("next", pointer, 384, 0), new Member("name", name, 448, 0));
    builder.reference(BtfBuilder.FUNC, "bpf_iter_task", u32);
    builder.enumeration("work", "WORK_BIT", 6);
    return builder.build();
  }
}

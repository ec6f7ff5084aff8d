package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Bytes;

/// A module of one function, `push %rbp; mov %rsp, %rbp; …; leave; ret`, described as a compiler would.
final class CallFramesTest {
  private static final long START = 0x7f0000400000L;
  private static final int HEADER = 0x200;
  private static final int FRAMES = 0x240;
  private static final int FUNCTION = 0x1000;
  private static final int FUNCTION_BYTES = 0x20;
  private static final int LENGTH = 0x400;
  private static final int RBP = 6;
  private static final int RSP = 7;
  private static final int RA = 16;

  private static byte[] module() {
    ByteBuffer out = ByteBuffer.allocate(LENGTH).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(0, 0x464c457f).putLong(32, 64).putShort(56, (short) 2);
    out.putInt(64, 1).putLong(64 + 16, 0); // PT_LOAD
    out.putInt(120, 0x6474e550).putLong(120 + 16, HEADER);
    out.position(HEADER).put(new byte[] {1, 0x1b, 3, 0x3b}).putInt(FRAMES - HEADER - 4).putInt(1)
        .putInt(FUNCTION - HEADER).putInt(FRAMES + 24 - HEADER);
    // CIE: version 1, "zR", code 1, data -8, return address 16, pcrel sdata4; CFA is rsp + 8, RA at CFA - 8.
    out.position(FRAMES).putInt(20).putInt(0).put(new byte[] {1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b,
        0x0c, 7, 8, (byte) 0x90, 1, 0, 0});
    int fde = out.position();
    // push: CFA is rsp + 16, rbp at CFA - 16; mov: CFA is rbp + 16; leave: CFA is rsp + 8.
    out.putInt(28).putInt(fde + 4 - FRAMES).putInt(FUNCTION - out.position()).putInt(FUNCTION_BYTES).put((byte) 0)
        .put(new byte[] {0x41, 0x0e, 16, (byte) 0x86, 2, 0x43, 0x0d, 6, 0x5a, 0x0c, 7, 8, 0, 0, 0});
    return out.array();
  }

  private static CallFrames.Memory memory(byte[] module) {
    return (address, lengthBytes) -> {
      long from = address - START;
      return from < 0 || from >= module.length ? Bytes.EMPTY
          : Bytes.of(ByteBuffer.wrap(module, (int) from, (int) Math.min(lengthBytes, module.length - from)));
    };
  }

  private static FrameRules rulesAt(int offset) {
    long pc = START + FUNCTION + offset;
    return FrameRules.at(CallFrames.of(memory(module()), START).orElseThrow().at(pc).orElseThrow(), pc);
  }

  @Test
  void theFrameIsDescribedAtEveryInstruction() {
    assertThat(rulesAt(0).cfa()).isEqualTo(new FrameRules.Cfa.OfRegister(RSP, 8));
    assertThat(rulesAt(0).of(RBP)).isEmpty();
    assertThat(rulesAt(1).cfa()).isEqualTo(new FrameRules.Cfa.OfRegister(RSP, 16));
    assertThat(rulesAt(1).of(RBP)).contains(new FrameRules.Rule.AtOffset(-16));
    assertThat(rulesAt(4).cfa()).isEqualTo(new FrameRules.Cfa.OfRegister(RBP, 16));
    assertThat(rulesAt(29).cfa()).isEqualTo(new FrameRules.Cfa.OfRegister(RBP, 16));
    assertThat(rulesAt(30).cfa()).isEqualTo(new FrameRules.Cfa.OfRegister(RSP, 8));
    assertThat(rulesAt(30).of(RA)).contains(new FrameRules.Rule.AtOffset(-8));
  }

  @Test
  void addressesOfNoFunctionHaveNone() {
    CallFrames frames = CallFrames.of(memory(module()), START).orElseThrow();
    assertThat(frames.at(START + FUNCTION - 1)).isEmpty();
    assertThat(frames.at(START + FUNCTION + FUNCTION_BYTES)).isEmpty();
    assertThat(CallFrames.of(memory(new byte[64]), START)).isEmpty();
  }

  @Test
  void anExpressionIsWorkedOut() throws Exception {
    // As of a procedure linkage table: rsp + 8 + ((rip & 15) >= 11) << 3.
    byte[] code = {0x77, 8, (byte) 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22};
    for (int at : new int[] {10, 11}) {
      assertThat(DwarfExpression.value(new DwarfCursor(0, Bytes.of(code)), 0,
          register -> register == RSP ? 0x1000 : at, _ -> 0)).isEqualTo(at < 11 ? 0x1008 : 0x1010);
    }
    assertThat(DwarfExpression.value(new DwarfCursor(0, Bytes.of(new byte[] {0x77, 0x70, 0x06, 0x23, (byte) 0x81, 1})),
        0, _ -> 0x100, address -> address * 2)).isEqualTo(2 * (0x100 - 16) + 129);
    assertThatThrownBy(() -> DwarfExpression.value(new DwarfCursor(0, Bytes.of(new byte[] {0x1a})), 0, _ -> 0, _ -> 0))
        .isInstanceOf(BufferUnderflowException.class);
  }

  /// Images come from strangers: descriptions are followed, or there are none.
  @Test
  void damagedDescriptionsEndInNothingWorseThanNoFrame() {
    Random random = new Random(4711);
    int described = 0;
    int refused = 0;
    int rounds = 20_000;
    for (int round = 0; round < rounds; round++) {
      byte[] module = module();
      for (int change = 0; change <= round % 4; change++) {
        module[64 + random.nextInt(FRAMES)] = (byte) random.nextInt(256);
      }
      long pc = START + FUNCTION + random.nextInt(FUNCTION_BYTES);
      Optional<CallFrames.Description> found = CallFrames.of(memory(module), START).flatMap(f -> f.at(pc));
      if (found.isPresent()) {
        try {
          assertThat(FrameRules.at(found.get(), pc).cfa()).isNotNull();
          described++;
        } catch (BufferUnderflowException _) {
          refused++; // the one answer that callers expect
        }
      }
    }
    assertThat(described).isBetween(rounds / 4, rounds - 1);
    assertThat(refused).isPositive();
  }
}

package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.StoredObject;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.SparseBytes;
import stasis.resource.CpuState;

/// How the registers of a thread lie in a statefile.
final class CpuStateTest {
  /// What images of version 1 hold.
  private record First(@Tag(1) Bytes general, @Tag(2) Bytes extended, @Tag(3) SigSet mask,
      @Tag(4) Optional<RemoteAddress> rseqArea, @Tag(5) Optional<Bytes> rseqCs,
      @Tag(6) Optional<CpuState.Sleep> sleep) {}

  private static final Schema<First> FIRST = Schema.of(MethodHandles.lookup(), First.class, "core.cpu", 1);
  private static final Bytes AREA = Bytes.zeros(11_008).withU64(512, 0xe7).withU64(1664, 0x1122334455667788L);

  private static CpuState read(StoredObject object) throws DecodeException {
    return CoreSchemas.CPU.decode(object, Limits.DEFAULT);
  }

  @Test
  void imagesWithTheWholeAreaAreStillRead() throws DecodeException {
    First old = new First(Bytes.hex("aa"), AREA, new SigSet(4), Optional.of(new RemoteAddress(4096)),
        Optional.of(Bytes.zeros(8)), Optional.of(new CpuState.Sleep(7, 5, true)));
    CpuState read = read(StoredObject.of(new ObjectId(1), FIRST, old, Optional.empty()));
    assertThat(read.extended()).isEqualTo(SparseBytes.of(AREA));
    assertThat(read.extended().whole()).isEqualTo(AREA);
    assertThat(read.general()).isEqualTo(old.general());
    assertThat(read.sleep()).isEqualTo(old.sleep());
  }

  @Test
  void theAreaComesBackBitForBitAndIsStoredWithoutItsZeros() throws DecodeException {
    CpuState state = new CpuState(Bytes.EMPTY, SparseBytes.of(AREA), new SigSet(0), Optional.empty(), Optional.empty(),
        Optional.empty());
    StoredObject stored = StoredObject.of(new ObjectId(1), CoreSchemas.CPU, state, Optional.empty());
    assertThat(read(stored)).isEqualTo(state);
    assertThat(read(stored).extended().whole()).isEqualTo(AREA);
    assertThat(stored.state().length()).isLessThan(60);
  }

  @Test
  void aDamagedAreaIsRefused() {
    Bytes good = CoreSchemas.CPU.encode(new CpuState(Bytes.EMPTY, SparseBytes.of(AREA), new SigSet(0), Optional.empty(),
        Optional.empty(), Optional.empty()));
    // The last length of a piece: one more than there is.
    byte[] damaged = good.toArray();
    int at = good.length() - 9;
    assertThat(damaged[at]).isEqualTo((byte) 8);
    damaged[at] = 9;
    assertThatThrownBy(() -> CoreSchemas.CPU.decode(Bytes.of(damaged), Limits.DEFAULT))
        .isInstanceOf(DecodeException.class).hasMessageContaining("cut short");
  }

  @Test
  void registersThatAreNotThereOrThereTwiceAreRefused() {
    for (boolean twice : new boolean[] {false, true}) {
      Optional<Bytes> area = twice ? Optional.of(SparseBytes.of(AREA).packed()) : Optional.empty();
      assertThatThrownBy(() -> new CpuState(Bytes.EMPTY, area.map(_ -> AREA), new SigSet(0), Optional.empty(),
          Optional.empty(), Optional.empty(), area)).isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("once");
    }
  }
}

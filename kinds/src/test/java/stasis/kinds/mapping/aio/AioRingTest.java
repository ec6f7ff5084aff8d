package stasis.kinds.mapping.aio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.AioContext;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class AioRingTest extends MemoryContract<AioRing.State> {
  private static final RemoteAddress START = new RemoteAddress(0x7f0000000000L);
  private static final int MAGIC = 0xa10a10a1;

  private static FakeMapping ring(int head, int tail, int inFlight) {
    return FakeMapping.of("7f0000000000-7f0000001000 rw-s 00000000 00:13 651                       /[aio] (deleted)",
        "rd wr sh mr mw ms de").content(memory(head, tail))
        .group(new FakeGroup().aio(new AioContext(START, 127, inFlight)));
  }

  /// Event n says n in all its fields.
  private static Bytes memory(int head, int tail) {
    Bytes memory = Bytes.ofU32(0, 127, head, tail, MAGIC, 1, 0, 32);
    for (int event = 0; event < 127; event++) {
      memory = memory.concat(events(event));
    }
    return memory;
  }

  private static Bytes events(int... numbers) {
    return Arrays.stream(numbers).mapToObj(n -> Bytes.ofU64(n, n, n, n)).reduce(Bytes.EMPTY, Bytes::concat);
  }

  @Override
  protected MappingKind<AioRing.State> kind() {
    return new AioRing();
  }

  @Override
  protected AioRing.State sample() {
    return new AioRing.State(127, 125, 2, events(125, 126, 0, 1));
  }

  @Override
  protected void program(Script script) throws ObstructedException {
    map(kind(), script, ring(0, 0, 0));
    map(kind(), script, ring(3, 5, 0));
    map(kind(), script, ring(125, 2, 0));
  }

  @Test
  void unreadEventsAreTakenInTheirOrderAroundTheEnd() throws ObstructedException {
    assertThat(kind().checkpoint(ring(125, 2, 0))).isEqualTo(sample());
  }

  @Test
  void aHeadTheProgramWroteBeyondTheRingIsTakenAsTheKernelTakesIt() throws ObstructedException {
    assertThat(kind().checkpoint(ring(127 + 125, 2, 0))).isEqualTo(sample());
  }

  @Test
  void requestsInFlightAreRefused() {
    assertThatThrownBy(() -> kind().checkpoint(ring(0, 0, 2))).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("2 requests").hasMessageContaining("io_cancel");
  }

  @Test
  void whatCannotBeToldIsRefused() {
    assertThatThrownBy(() -> kind().checkpoint(ring(0, 0, 0).group(new FakeGroup())))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("CAP_BPF");
  }

  @Test
  void theRingOfAnothersContextIsRefused() {
    assertThatThrownBy(() -> kind().checkpoint(ring(0, 0, 0).group(new FakeGroup().aio())))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("not this process's");
  }

  @Test
  void aRingThatWasWrittenOverIsRefused() {
    assertThatThrownBy(() -> kind().checkpoint(ring(0, 200, 0))).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("written over");
  }

  /// fs/aio.c: twice as many slots as requests and two more, in whole pages of 128 events and a header as long as one.
  @ParameterizedTest
  @CsvSource({"127, 1", "255, 63", "1023, 447", "8063, 3967"})
  void asksForTheFewestRequestsThatMakeSuchARing(int events, int requests) {
    assertThat(AioRing.requests(events)).isEqualTo(requests);
    assertThat(slots(requests)).isEqualTo(events);
    assertThat(requests == 1 || slots(requests - 1) < events).isTrue();
  }

  private static int slots(int requests) {
    int pages = (32 + 32 * (2 * requests + 2) + 4095) / 4096;
    return pages * 128 - 1;
  }
}

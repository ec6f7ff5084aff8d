package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.Tid;
import stasis.repository.ImageIdentity;

class TrackedStateTest {
  private static final TrackedState STATE = new TrackedState(new Tid(4711), 123456,
      new ImageIdentity("redis@3", "ab".repeat(32)),
      List.of(new TrackedState.Mm(new Tid(4711), 123456, new ObjectId(2), new Fd(5), List.of()),
          new TrackedState.Mm(new Tid(4712), 123460, new ObjectId(9), new Fd(6), List.of(
              new SoftDirty.Canary(new RemoteAddress(0x7fff1000), new RemoteAddress(0x7fff0000),
                  new RemoteAddress(0x7fff4000))))));

  @Test
  void whatWasWrittenIsRead() {
    assertThat(TrackedState.decode(STATE.encode())).contains(STATE);
  }

  @Test
  void nothingIsBelievedThatIsNotWhole() {
    String text = new String(STATE.encode().toArray(), StandardCharsets.US_ASCII);
    for (String broken : List.of("", "stasis-tracking 1\n", text.substring(0, text.length() - 4),
        text.replace("tracking 1", "tracking 2"), text.replace("mm 4712", "mm x"), text.replace("root 4711", "root 0"),
        text.replace("mm 4711 123456 2 5", "mm 4711 123456 2"),
        text.replace(":7fff0000:", ":"), text.replace(":7fff0000:", ":-:"))) {
      assertThat(TrackedState.decode(Bytes.of(broken.getBytes(StandardCharsets.US_ASCII)))).as(broken).isEmpty();
    }
  }
}

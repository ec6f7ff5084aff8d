package stasis.kinds.file.outsideunix;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.Outside;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeHost;
import stasis.linux.abi.Bytes;
import stasis.resource.Kind;
import stasis.resource.Loss;
import stasis.resource.Obstacle;

class OutsideUnixTest extends AspectContract<OutsideUnix.State> {
  private final OutsideUnix kind = new OutsideUnix(Outside.Sockets.DISCONNECT);

  @Override
  protected Kind<OutsideUnix.State> kind() {
    return kind;
  }

  @Override
  protected OutsideUnix.State sample() {
    return new OutsideUnix.State(1, "task 812 (dbus-daemon)", 04000, List.of(), Optional.empty(),
        Bytes.hex("756e72656164"), false);
  }

  private static OutsideUnix.State again(String address) {
    return new OutsideUnix.State(1, "task 812 (dbus-daemon)", 0, List.of(), Optional.of(Bytes.cString(address)),
        Bytes.zeros(6), true);
  }

  @Test
  void whoIsLeftIsToldAndWhatIsLost() {
    assertThat(kind.losses(sample())).singleElement().extracting(Loss::detail).asString()
        .contains("dbus-daemon", "hung up").doesNotContain("bytes");
    assertThat(kind.losses(again("\1\0/run/x"))).singleElement().extracting(Loss::detail).asString()
        .contains("connected anew", "6 bytes", "messages");
  }

  @Test
  void withoutAServerNothingIsConnectedAgain() {
    assertThat(kind.obstacles(again("\1\0/run/x"), new FakeHost())).singleElement().extracting(Obstacle::reason)
        .asString().contains("nobody");
    assertThat(kind.obstacles(sample(), new FakeHost())).isEmpty();
    // An abstract name has no file.
    assertThat(kind.obstacles(again("\1\0\0name"), new FakeHost())).isEmpty();
  }
}

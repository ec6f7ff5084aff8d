package stasis.kinds.file.signalfd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.SigSet;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class SignalFdTest extends AspectContract<SignalFd.State> {
  private final SignalFd kind = new SignalFd();

  @Override
  protected Kind<SignalFd.State> kind() {
    return kind;
  }

  @Override
  protected SignalFd.State sample() {
    return new SignalFd.State(new SigSet(0x200), 04002);
  }

  @Test
  void maskIsReadAsHex() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("anon_inode:[signalfd]", 0600, 1, "02004002", "sigmask:\t0000000000000200");

    assertThat(kind.recognises(file)).isTrue();
    assertThat(kind.checkpoint(file)).isEqualTo(sample());
  }
}

package stasis.kinds.file.eventfd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class EventFdTest extends AspectContract<EventFd.State> {
  private final EventFd kind = new EventFd();

  @Override
  protected Kind<EventFd.State> kind() {
    return kind;
  }

  @Override
  protected EventFd.State sample() {
    return new EventFd.State(-2, true, 04002);
  }

  @Test
  void countIsHexAndTheModeIsKept() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("anon_inode:[eventfd]", 0600, 1, "02004002",
        "eventfd-count:               1f", "eventfd-id: 5", "eventfd-semaphore: 1");

    assertThat(kind.recognises(file)).isTrue();
    assertThat(kind.checkpoint(file)).isEqualTo(new EventFd.State(31, true, 04002));
  }

  @Test
  void aKernelThatDoesNotTellWhetherItIsASemaphoreIsAskedOtherwiseOrItIsRefused() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("anon_inode:[eventfd]", 0600, 1, "02004002", "eventfd-count: 3");

    assertThatThrownBy(() -> kind.checkpoint(file)).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("semaphore");
    assertThat(kind.checkpoint(file.eventfdFlags(02004001)).semaphore()).isTrue();
    assertThat(kind.checkpoint(file.eventfdFlags(02004000)).semaphore()).isFalse();
  }

  @Test
  void zeroIsNotWritten() {
    assertThat(explain(new EventFd.State(0, false, 2))).hasLineCount(1);
  }
}

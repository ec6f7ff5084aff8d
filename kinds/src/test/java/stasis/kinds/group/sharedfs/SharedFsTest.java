package stasis.kinds.group.sharedfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class SharedFsTest extends AspectContract<SharedFs.State> {
  private final SharedFs kind = new SharedFs();

  @Override
  protected Kind<SharedFs.State> kind() {
    return kind;
  }

  @Override
  protected SharedFs.State sample() {
    return new SharedFs.State(true);
  }

  @Override
  protected boolean isStored() {
    return false;
  }

  private static FakeGroup withThread(Answer same) {
    return withThread(same, value(0));
  }

  private static FakeGroup withThread(Answer sameFs, Answer sameFiles) {
    FakeGroup group = new FakeGroup();
    group.thread();
    group.leader();
    FakeTask thread = (FakeTask) group.tasks().getLast();
    thread.observing(sameFs, Nr.KCMP, Arg.imm(4711), Arg.imm(4712), Arg.imm(3), Arg.imm(0), Arg.imm(0));
    thread.observing(sameFiles, Nr.KCMP, Arg.imm(4711), Arg.imm(4712), Arg.imm(2), Arg.imm(0), Arg.imm(0));
    return group;
  }

  @Test
  void threadWithAWorkingDirectoryOfItsOwnIsRefused() {
    assertThatThrownBy(() -> kind.checkpoint(withThread(value(1)), noAnswers()))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("task 4712");
  }

  @Test
  void threadWithATableOfFilesOfItsOwnIsRefused() {
    assertThatThrownBy(() -> kind.checkpoint(withThread(value(0), value(1)), noAnswers()))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("table of files");
  }

  @Test
  void whatCannotBeComparedIsAnObstacle() {
    assertThatThrownBy(() -> kind.checkpoint(withThread(failure(Errno.EPERM)), noAnswers()))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("EPERM");
  }

  @Test
  void threadsThatShareAreFine() throws ObstructedException {
    assertThat(kind.checkpoint(withThread(value(0)), noAnswers())).isEmpty();
  }
}

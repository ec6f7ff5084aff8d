package stasis.kinds.group.sysv;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.group.sysv.SystemVIpc.Identity;
import stasis.kinds.group.sysv.SystemVIpc.Message;
import stasis.kinds.group.sysv.SystemVIpc.Queue;
import stasis.kinds.group.sysv.SystemVIpc.Semaphores;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Arg;
import stasis.resource.Kind;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;

class SystemVIpcTest extends AspectContract<SystemVIpc.State> {
  private static final String SET = "4660 7 640 2 1000 100 1001 101 0 0\n";
  private static final String QUEUE = "0 9 600 5 1 0 0 0 0 0 0 0 0 0\n";
  private final SystemVIpc kind = new SystemVIpc();

  @Override
  protected Kind<SystemVIpc.State> kind() {
    return kind;
  }

  @Override
  protected SystemVIpc.State sample() {
    return new SystemVIpc.State(
        List.of(new Semaphores(new Identity(7, 0x1234, 0640, 1000, 100, 1001, 101), List.of(3, 258))),
        List.of(new Queue(new Identity(9, 0, 0600, 0, 0, 0, 0), 16384,
            List.of(new Message(2, Bytes.hex("68656c6c6f"))))), List.of(new SystemVIpc.Detached(11, 0x77, 8192)),
        false, List.of());
  }

  @Test
  void whatTheTreeWasTheLastToUseIsFound() throws ObstructedException {
    FakeGroup group = new FakeGroup();
    Arg none = Arg.imm(0);
    Bytes set = Bytes.zeros(256).withU32(0, 0x1234).withU32(4, 1000).withU32(8, 100).withU32(12, 1001).withU32(16, 101)
        .withU32(20, 0640).withU64(80, 2);
    Bytes queue = Bytes.zeros(256).withU32(20, 0600).withU64(80, 1).withU64(88, 16384).withU32(96, 4711);
    group.leader().observing(value(0), Nr.SEMCTL, none, none, Arg.imm(19), Arg.space(256))
        .observing(new stasis.resource.Answer(7, java.util.Map.of(3, set)), Nr.SEMCTL, none, none, Arg.imm(18),
            Arg.space(256))
        .observing(value(1), Nr.SEMCTL, Arg.imm(7), none, Arg.imm(11), none)
        .observing(value(4711), Nr.SEMCTL, Arg.imm(7), Arg.imm(1), Arg.imm(11), none)
        .observing(output(3, Bytes.ofU32(3 | 258 << 16)), Nr.SEMCTL, Arg.imm(7), none, Arg.imm(13), Arg.space(4))
        .observing(value(0), Nr.SHMCTL, none, Arg.imm(14), Arg.space(256))
        .observing(new stasis.resource.Answer(11, java.util.Map.of(2, Bytes.zeros(256).withU32(0, 0x77)
            .withU64(48, 8192).withU32(84, 4711))), Nr.SHMCTL, none, Arg.imm(13), Arg.space(256))
        .observing(value(0), Nr.MSGCTL, none, Arg.imm(12), Arg.space(256))
        .observing(new stasis.resource.Answer(9, java.util.Map.of(2, queue)), Nr.MSGCTL, none, Arg.imm(11),
            Arg.space(256))
        .observing(new stasis.resource.Answer(5, java.util.Map.of(1, Bytes.ofU64(2).concat(Bytes.cString("hello")))),
            Nr.MSGRCV, Arg.imm(9), Arg.space(8200), Arg.imm(8192), none, Arg.imm(044000));

    assertThat(kind.checkpoint(group, noAnswers())).contains(sample());
  }

  @Test
  void whatIsStillThereStaysAsItIs() {
    FakeHost host = new FakeHost().systemVIpc("sem", SET).systemVIpc("msg", QUEUE);

    assertThat(kind.obstacles(sample(), host)).isEmpty();
    assertThat(kind.losses(sample(), host)).singleElement().extracting(Loss::detail).asString()
        .contains("segment 11", "is gone", "not in the image");
  }

  @Test
  void whatIsGoneIsMadeAgainWhereThatIsAllowed() {
    FakeHost host = new FakeHost().systemVIpc("msg", QUEUE);

    assertThat(kind.obstacles(sample(), host)).singleElement().extracting(Obstacle::text).asString()
        .contains("CAP_CHECKPOINT_RESTORE");
    assertThat(kind.obstacles(sample(), host.capable("CAP_CHECKPOINT_RESTORE"))).isEmpty();
    assertThat(kind.losses(sample(), host)).extracting(Loss::detail).anyMatch(text -> text.contains("set 7"));
  }

  @Test
  void anotherWithItsIdOrItsKeyIsInTheWay() {
    FakeHost other = new FakeHost().systemVIpc("sem", SET.replace("640 2", "640 3")).systemVIpc("msg", QUEUE);
    FakeHost key = new FakeHost().systemVIpc("sem", SET.replace(" 7 ", " 8 ")).systemVIpc("msg", QUEUE);

    assertThat(kind.obstacles(sample(), other)).singleElement().isInstanceOf(Obstacle.Changed.class);
    assertThat(kind.obstacles(sample(), key)).singleElement().extracting(Obstacle::text).asString()
        .contains("0x1234", "ipcrm -s 8");
  }
}

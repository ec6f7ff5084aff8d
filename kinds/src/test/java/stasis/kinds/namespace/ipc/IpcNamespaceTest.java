package stasis.kinds.namespace.ipc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.ipc.PosixQueue;
import stasis.kinds.namespace.ipc.IpcNamespace.Setting;
import stasis.kinds.namespace.ipc.IpcNamespace.State;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.HiddenMessage;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;
import stasis.resource.SeenQueue;

class IpcNamespaceTest extends AspectContract<State> {
  private static final Bytes TEXT = Bytes.cString("x");
  private final IpcNamespace kind = new IpcNamespace();

  private static FakeGroup apart() {
    FakeGroup group = new FakeGroup();
    group.leader().link("ns/ipc", "ipc:[4026532999]");
    for (String path : List.of("kernel/shmmax", "kernel/shmall", "kernel/shmmni", "kernel/msgmax", "kernel/msgmni",
        "kernel/msgmnb", "kernel/sem", "kernel/shm_rmid_forced", "fs/mqueue/queues_max", "fs/mqueue/msg_max",
        "fs/mqueue/msgsize_max", "fs/mqueue/msg_default", "fs/mqueue/msgsize_default")) {
      boolean there = path.equals("kernel/sem");
      group.leader().observing(there ? value(9) : failure(Errno.ENOENT), Nr.OPENAT, Arg.imm(Open.AT_FDCWD),
          Arg.string("/proc/sys/" + path), Arg.imm(Open.O_CLOEXEC));
    }
    group.leader().observing(new Answer(4, Map.of(1, Bytes.cString("1\t2\n"))), Nr.READ, Arg.imm(9), Arg.space(128),
        Arg.imm(128));
    return group;
  }

  private static SeenQueue queue(Optional<List<HiddenMessage>> messages) {
    return new SeenQueue("work", 20, 7, 0100604, 1000, 100, 4, 64, messages);
  }

  @Override
  protected Kind<State> kind() {
    return kind;
  }

  @Override
  protected State sample() {
    return new State(List.of(new Setting("kernel/sem", "1\t2")), List.of(new PosixQueue("work", 4, 64, 0604, 1000, 100,
        true, List.of(new PosixQueue.Message(3, TEXT)))));
  }

  @Test
  void itsLimitsAndWhatNobodyHasOpenAreDescribed() throws ObstructedException {
    FakeGroup group = apart().queue(queue(Optional.of(List.of(new HiddenMessage(3, TEXT)))));
    assertThat(kind.checkpoint(group, noAnswers())).contains(sample());
    assertThat(kind.checkpoint(new FakeGroup(), noAnswers())).isEmpty();
  }

  @Test
  void oneThatIsSharedWithATaskOutsideIsRefused() {
    FakeGroup group = apart().beside("task 812 (sh)");
    assertThatThrownBy(() -> kind.checkpoint(group, noAnswers())).hasMessageContaining("task 812 (sh)");
  }

  @Test
  void whatCannotBeSeenIsRefused() {
    FakeGroup unseen = apart().queue(queue(Optional.empty()));
    assertThatThrownBy(() -> kind.checkpoint(unseen, noAnswers())).hasMessageContaining("CAP_BPF");
    FakeGroup closed = apart();
    closed.leader().observing(failure(Errno.EPERM), Nr.OPENAT, Arg.imm(Open.AT_FDCWD),
        Arg.string("/proc/sys/kernel/shmmax"), Arg.imm(Open.O_CLOEXEC));
    assertThatThrownBy(() -> kind.checkpoint(closed, noAnswers())).hasMessageContaining("EPERM");
  }

  @Test
  void makingOneTakesAPrivilege() {
    assertThat(kind.obstacles(sample(), new FakeHost())).hasSize(1);
    assertThat(kind.obstacles(sample(), new FakeHost().capable("CAP_SYS_ADMIN"))).isEmpty();
  }
}

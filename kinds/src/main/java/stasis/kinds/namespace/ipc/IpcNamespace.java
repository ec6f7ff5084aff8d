package stasis.kinds.namespace.ipc;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.ipc.IpcSpace;
import stasis.kinds.ipc.PosixQueue;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.FrozenTask;
import stasis.resource.GroupAspect;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.SeenQueue;
import stasis.resource.Stage;

/// An IPC namespace (ipc_namespaces(7)) that is the tree's own: its limits, and the POSIX message queues in it that
/// nobody has open. It ends with the tree and is made anew by the root; what else is in it is made by who describes it.
public final class IpcNamespace implements GroupAspect<IpcNamespace.State> {
  /// @param path below /proc/sys @param value as it is read, without the line's end
  record Setting(@Tag(1) String path, @Tag(2) String value) {
    Setting {
      if (!SETTINGS.contains(path)) {
        throw new IllegalArgumentException("an IPC namespace has no " + path);
      }
    }
  }

  record State(@Tag(1) List<Setting> settings, @Tag(2) List<PosixQueue> queues) {
    State {
      settings = List.copyOf(settings);
      queues = List.copyOf(queues);
    }
  }

  /// ipc/ipc_sysctl.c and ipc/mq_sysctl.c. What may not be exceeded comes before what may not exceed it.
  private static final List<String> SETTINGS = List.of("kernel/shmmax", "kernel/shmall", "kernel/shmmni",
      "kernel/msgmax", "kernel/msgmni", "kernel/msgmnb", "kernel/sem", "kernel/shm_rmid_forced",
      "fs/mqueue/queues_max", "fs/mqueue/msg_max", "fs/mqueue/msgsize_max", "fs/mqueue/msg_default",
      "fs/mqueue/msgsize_default");
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "namespace.ipc", 1);
  private static final long CLONE_NEWIPC = 0x08000000;
  private static final long MAGIC = 0x19800202L;
  private static final int VALUE_BYTES = 128;
  private static final String ROOT = "run the checkpoint as root";

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    if (!group.tree().getFirst().leader().id().equals(group.leader().id()) || !IpcSpace.isApart(group)) {
      return Optional.empty();
    }
    String namespace = group.leader().link("ns/ipc");
    Optional<String> outsider = group.outsiderIn(namespace);
    if (outsider.isPresent()) {
      throw new ObstructedException(group.subject(), "it is in the IPC namespace " + namespace + " together with "
          + outsider.get() + ", which is outside the tree", "checkpoint them together, from a common ancestor");
    }
    var settings = new ArrayList<Setting>();
    for (String path : SETTINGS) {
      value(group.leader(), path).ifPresent(value -> settings.add(new Setting(path, value)));
    }
    return Optional.of(new State(settings, queues(group)));
  }

  /// Empty where this kernel has no such limit.
  private static Optional<String> value(FrozenTask asker, String path) throws ObstructedException {
    Answer opened = asker.observe(Nr.OPENAT, Arg.imm(Open.AT_FDCWD), Arg.string("/proc/sys/" + path),
        Arg.imm(Open.O_CLOEXEC));
    if (opened.result() == -Errno.ENOENT.number()) {
      return Optional.empty();
    }
    if (opened.failed()) {
      throw new ObstructedException(asker.subject(), "its IPC namespace cannot be looked into: "
          + Errno.of(opened.result()), ROOT);
    }
    Answer read = asker.observe(Nr.READ, Arg.imm(opened.result()), Arg.space(VALUE_BYTES), Arg.imm(VALUE_BYTES));
    asker.observe(Nr.CLOSE, Arg.imm(opened.result()));
    if (read.failed()) {
      throw new ObstructedException(asker.subject(), "the limit " + path + " of its IPC namespace cannot be read: "
          + Errno.of(read.result()), ROOT);
    }
    return Optional.of(read.output(1).slice(0, (int) read.result()).latin1().strip());
  }

  private static List<PosixQueue> queues(FrozenGroup group) throws ObstructedException {
    Set<Long> open = new HashSet<>();
    for (OpenFile file : group.treeFiles()) {
      if (file.link().startsWith("/") && file.filesystemMagic() == MAGIC) {
        open.add(file.facts().inode());
      }
    }
    List<SeenQueue> all = group.messageQueues().orElseThrow(() -> new ObstructedException(group.subject(),
        "the POSIX message queues of its IPC namespace cannot be listed", ROOT));
    var queues = new ArrayList<PosixQueue>();
    for (SeenQueue seen : all) {
      if (!open.contains(seen.inode())) {
        if (seen.messages().isEmpty()) {
          throw new ObstructedException(group.subject(), "what waits in message queue /" + seen.name() + " of its IPC"
              + " namespace cannot be seen", "run with CAP_BPF and CAP_PERFMON");
        }
        queues.add(new PosixQueue(seen.name(), seen.most(), seen.messageBytes(),
            seen.mode() & PosixQueue.PERMISSIONS, seen.uid(), seen.gid(), true,
            PosixQueue.messages(seen.messages())));
      }
    }
    return queues;
  }

  @Override
  public List<Loss> losses(State state) {
    return List.of(Loss.of("its IPC namespace is a new one, with another number"));
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return host.capabilities().contains("CAP_SYS_ADMIN") ? List.of() : List.of(new Obstacle.HostLacks("IPC namespace",
        "it cannot be made", "restore with CAP_SYS_ADMIN"));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    script.call(Nr.UNSHARE, "an IPC namespace of its own", Arg.imm(CLONE_NEWIPC));
    for (Setting setting : state.settings()) {
      Ref<?> file = script.call(Nr.OPENAT, setting.path(), Arg.imm(Open.AT_FDCWD),
          Arg.path(PathBytes.of("/proc/sys/" + setting.path())), Arg.imm(Open.O_WRONLY | Open.O_CLOEXEC));
      Bytes value = PathBytes.of(setting.value()).bytes();
      script.callExpecting(value.length(), Nr.WRITE, "as it was", Arg.result(file), Arg.data(value),
          Arg.imm(value.length()));
      script.call(Nr.CLOSE, "set", Arg.result(file));
    }
    for (PosixQueue queue : state.queues()) {
      Ref<?> fd = queue.make(queue.name(), "message queue /" + queue.name(), script);
      queue.give(fd, script);
      script.call(Nr.CLOSE, "nobody has it open", Arg.result(fd));
    }
  }

  @Override
  public Stage stage() {
    return Stage.BIRTH;
  }
}

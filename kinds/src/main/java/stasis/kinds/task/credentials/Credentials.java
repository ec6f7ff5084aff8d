package stasis.kinds.task.credentials;

import java.lang.invoke.MethodHandles;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.procfs.Status;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenTask;
import stasis.resource.Host;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// Who a thread acts as: ids, groups, the five capability sets, securebits with keep-caps, no_new_privs
/// (credentials(7), capabilities(7)). Each thread has its own.
public final class Credentials implements TaskAspect<Credentials.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.credentials", 1);
  private static final long PR_CAPBSET_DROP = 24;
  private static final long PR_SET_SECUREBITS = 28;
  private static final long PR_GET_SECUREBITS = 27;
  private static final long PR_SET_NO_NEW_PRIVS = 38;
  private static final long PR_GET_NO_NEW_PRIVS = 39;
  private static final long PR_CAP_AMBIENT = 47;
  private static final long PR_CAP_AMBIENT_RAISE = 2;
  private static final long PR_CAP_AMBIENT_CLEAR_ALL = 4;
  private static final long SECBIT_NO_SETUID_FIXUP = 4;
  private static final int LINUX_CAPABILITY_VERSION_3 = 0x20080522;
  private static final Question SECUREBITS = Question.of(Nr.PRCTL, Arg.imm(PR_GET_SECUREBITS));

  /// @param groups supplementary @param securebits SECBIT_*, keep-caps among them
  record State(@Tag(1) Ids uid, @Tag(2) Ids gid, @Tag(3) List<Long> groups, @Tag(4) Sets capabilities,
      @Tag(5) long securebits, @Tag(6) boolean noNewPrivs) {
    State {
      groups = List.copyOf(groups);
    }
  }

  /// The four ids of one sort.
  record Ids(@Tag(1) long real, @Tag(2) long effective, @Tag(3) long saved, @Tag(4) long fileSystem) {
    private boolean allAre(long id) {
      return real == id && effective == id && saved == id && fileSystem == id;
    }
  }

  /// Bit n is capability n.
  record Sets(@Tag(1) long inheritable, @Tag(2) long permitted, @Tag(3) long effective, @Tag(4) long bounding,
      @Tag(5) long ambient) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(FrozenTask task) {
    return List.of(SECUREBITS);
  }

  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    Status status = task.status();
    Status.Capabilities sets = status.capabilities();
    return Optional.of(new State(ids(status.uid()), ids(status.gid()), status.groups(),
        new Sets(sets.inheritable(), sets.permitted(), sets.effective(), sets.bounding(), sets.ambient()),
        answers.require(SECUREBITS, task.subject()).result(), status.noNewPrivs()));
  }

  private static Ids ids(Status.Ids ids) {
    return new Ids(ids.real(), ids.effective(), ids.saved(), ids.fileSystem());
  }

  /// Without CAP_SETUID and CAP_SETGID the restorer works in a user namespace of its own, in which only its own ids are
  /// mapped and setgroups(2) is denied (user_namespaces(7)).
  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    Optional<Status> restorer = host.restorer();
    if (restorer.isEmpty()) {
      return List.of(new Obstacle.HostLacks("credentials", "those of the restorer cannot be read", "mount /proc"));
    }
    var obstacles = new ArrayList<Obstacle>();
    Status own = restorer.get();
    boolean changesUid = host.capabilities().contains(Capability.CAP_SETUID.name());
    boolean changesGid = host.capabilities().contains(Capability.CAP_SETGID.name());
    if (!changesUid && !state.uid().allAre(own.uid().effective())) {
      obstacles.add(lacks("user ids " + state.uid() + " need CAP_SETUID"));
    }
    if (!changesGid && !state.gid().allAre(own.gid().effective())) {
      obstacles.add(lacks("group ids " + state.gid() + " need CAP_SETGID"));
    }
    if (!changesGid && !Set.copyOf(state.groups()).equals(Set.copyOf(own.groups()))) {
      obstacles.add(lacks("supplementary groups " + state.groups() + " need CAP_SETGID (the restorer has "
          + own.groups() + ")"));
    }
    long held = 0;
    for (Capability capability : Capability.values()) {
      held |= host.capabilities().contains(capability.name()) ? capability.mask() : 0;
    }
    long missing = state.capabilities().permitted() & ~held;
    if (missing != 0) {
      obstacles.add(lacks("the restorer cannot give " + Capability.names(missing)));
    }
    // A new user namespace starts with all of them in the bounding set.
    long unbound = state.capabilities().bounding() & ~own.capabilities().bounding();
    if (changesUid && unbound != 0) {
      obstacles.add(lacks("the restorer's bounding set lacks " + Capability.names(unbound)));
    }
    if (isBare(host)) {
      obstacles.addAll(unchangeable(state.capabilities(), own.capabilities()));
    }
    if (!state.noNewPrivs() && own.noNewPrivs()) {
      obstacles.add(lacks("the restorer has no_new_privs, which nothing takes away"));
    }
    return obstacles;
  }

  /// Whether tasks are born here, and not in a user namespace of their own, of a restorer who may change nothing of
  /// what they inherit of capabilities.
  private static boolean isBare(Host host) {
    return !host.setsProgram() && !host.capabilities().contains(Capability.CAP_SETPCAP.name());
  }

  /// What needs CAP_SETPCAP (capabilities(7)).
  private static List<Obstacle> unchangeable(Sets wanted, Status.Capabilities own) {
    var obstacles = new ArrayList<Obstacle>();
    if (wanted.bounding() != own.bounding()) {
      obstacles.add(lacks("a bounding set other than the restorer's needs CAP_SETPCAP; the two differ in "
          + Capability.names(wanted.bounding() ^ own.bounding())));
    }
    long uninheritable = wanted.inheritable() & ~(own.inheritable() | own.permitted());
    if (uninheritable != 0) {
      obstacles.add(lacks("inheritable capabilities that the restorer has not need CAP_SETPCAP: "
          + Capability.names(uninheritable)));
    }
    return obstacles;
  }

  private static Obstacle lacks(String reason) {
    return new Obstacle.HostLacks("credentials", reason, "restore as root, or as the user it ran as");
  }

  /// Groups and ids first, while everything is permitted, with the fix-up of capabilities off; then the sets, keeping
  /// CAP_SETPCAP to the last for the securebits.
  @Override
  public void restore(State state, Script script, Refs refs) {
    Sets sets = state.capabilities();
    // EPERM where setgroups is denied: `obstacles` has made sure that nothing need change there.
    script.callTolerating(Set.of(Errno.EPERM), Nr.SETGROUPS, "supplementary groups",
        Arg.imm(state.groups().size()), Arg.data(groups(state.groups())));
    ids(script, Nr.SETRESGID, Nr.SETFSGID, "group ids", state.gid());
    boolean bare = isBare(refs.host());
    if (!bare) {
      script.call(Nr.PRCTL, "no capability fix-up", Arg.imm(PR_SET_SECUREBITS), Arg.imm(SECBIT_NO_SETUID_FIXUP));
      drop(script, sets.bounding());
    }
    ids(script, Nr.SETRESUID, Nr.SETFSUID, "user ids", state.uid());
    long setpcap = bare ? 0 : Capability.CAP_SETPCAP.mask();
    capset(script, setpcap, sets.permitted() | setpcap, sets.inheritable());
    script.call(Nr.PRCTL, "no ambient capabilities", Arg.imm(PR_CAP_AMBIENT), Arg.imm(PR_CAP_AMBIENT_CLEAR_ALL));
    for (Capability capability : Capability.values()) {
      if ((sets.ambient() & capability.mask()) != 0) {
        script.call(Nr.PRCTL, "ambient " + capability, Arg.imm(PR_CAP_AMBIENT), Arg.imm(PR_CAP_AMBIENT_RAISE),
            Arg.imm(capability.ordinal()));
      }
    }
    if (bare) {
      script.callExpecting(state.securebits(), Nr.PRCTL, "securebits, which CAP_SETPCAP alone changes",
          Arg.imm(PR_GET_SECUREBITS));
    } else {
      script.call(Nr.PRCTL, "securebits", Arg.imm(PR_SET_SECUREBITS), Arg.imm(state.securebits()));
    }
    capset(script, sets.effective(), sets.permitted(), sets.inheritable());
    if (state.noNewPrivs()) {
      script.call(Nr.PRCTL, "no new privileges", Arg.imm(PR_SET_NO_NEW_PRIVS), Arg.imm(1));
    } else {
      script.callExpecting(0, Nr.PRCTL, "new privileges allowed", Arg.imm(PR_GET_NO_NEW_PRIVS));
    }
  }

  private static void drop(Script script, long bounding) {
    for (Capability capability : Capability.values()) {
      if ((bounding & capability.mask()) == 0) {
        script.call(Nr.PRCTL, "bounding set without " + capability, Arg.imm(PR_CAPBSET_DROP),
            Arg.imm(capability.ordinal()));
      }
    }
  }

  private static void ids(Script script, Nr three, Nr fileSystem, String why, Ids ids) {
    script.call(three, why, Arg.imm(ids.real()), Arg.imm(ids.effective()), Arg.imm(ids.saved()));
    if (ids.fileSystem() != ids.effective()) {
      script.callExpecting(ids.effective(), fileSystem, "file system id", Arg.imm(ids.fileSystem()));
      // It never says no (setfsuid(2)): ask again, and look at the answer.
      script.callExpecting(ids.fileSystem(), fileSystem, "file system id is set", Arg.imm(ids.fileSystem()));
    }
  }

  private static void capset(Script script, long effective, long permitted, long inheritable) {
    Bytes header = Bytes.ofU32(LINUX_CAPABILITY_VERSION_3, 0);
    Bytes data = Bytes.ofU32((int) effective, (int) permitted, (int) inheritable, (int) (effective >>> 32),
        (int) (permitted >>> 32), (int) (inheritable >>> 32));
    script.call(Nr.CAPSET, "capabilities", Arg.data(header), Arg.data(data));
  }

  private static Bytes groups(List<Long> groups) {
    ByteBuffer out = ByteBuffer.allocate(groups.size() * 4).order(ByteOrder.LITTLE_ENDIAN);
    groups.forEach(group -> out.putInt(group.intValue()));
    return Bytes.of(out.flip());
  }

  @Override
  public Stage stage() {
    return Stage.CREDENTIALS;
  }
}

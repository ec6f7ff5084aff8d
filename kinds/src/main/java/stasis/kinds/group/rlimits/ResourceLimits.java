package stasis.kinds.group.rlimits;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.procfs.Limits;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.Host;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// The 16 resource limits (getrlimit(2)). Lowered late: files lie at their numbers, memory is locked and signals are
/// queued by then. What raises the soft ones for that time is [stasis.kinds.group.room].
public final class ResourceLimits implements GroupAspect<ResourceLimits.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.rlimits", 1);

  record State(@Tag(1) List<Limit> limits) {
    State {
      limits = List.copyOf(limits);
    }
  }

  /// @param soft unsigned @param hard unsigned; all ones for unlimited
  record Limit(@Tag(1) Limits.Resource resource, @Tag(2) long soft, @Tag(3) long hard) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    if (host.capabilities().contains("CAP_SYS_RESOURCE")) {
      return List.of();
    }
    Optional<Limits> inherited = host.inherited("limits").map(Limits::parse);
    if (inherited.isEmpty()) {
      return List.of();
    }
    var obstacles = new ArrayList<Obstacle>();
    for (Limit limit : state.limits()) {
      long hard = inherited.get().of(limit.resource()).hard();
      if (Long.compareUnsigned(limit.hard(), hard) > 0) {
        obstacles.add(new Obstacle.HostLacks("RLIMIT_" + limit.resource(),
            "its hard limit was " + text(limit.hard()) + ", the restorer can give " + text(hard),
            "restore with CAP_SYS_RESOURCE, or from a shell with that limit"));
      }
    }
    return obstacles;
  }

  private static String text(long limit) {
    return limit == Limits.Limit.INFINITY ? "unlimited" : Long.toUnsignedString(limit);
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    // prlimit(2) on another's task would need CAP_SYS_RESOURCE where ids differ; this file is for all to read.
    Optional<String> text = group.proc("limits");
    if (text.isEmpty()) {
      throw new ObstructedException(group.subject(), "this kernel shows no limits", "");
    }
    Limits limits = Limits.parse(text.get());
    var all = new ArrayList<Limit>();
    for (Limits.Resource resource : Limits.Resource.values()) {
      Limits.Limit limit = limits.of(resource);
      all.add(new Limit(resource, limit.soft(), limit.hard()));
    }
    return Optional.of(new State(all));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    for (Limit limit : state.limits()) {
      script.call(Nr.PRLIMIT64, "RLIMIT_" + limit.resource(), Arg.imm(0), Arg.imm(limit.resource().ordinal()),
          Arg.data(Bytes.ofU64(limit.soft(), limit.hard())), Arg.imm(0));
    }
  }

  @Override
  public Stage stage() {
    return Stage.CREDENTIALS;
  }
}

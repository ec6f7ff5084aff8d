package stasis.kinds.group.session;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.procfs.Device;
import stasis.procfs.Stat;
import stasis.resource.Answers;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// What of its session and process group does not come back. A session outside the tree is joined by being born into
/// that of the restorer.
public final class Session implements GroupAspect<Session.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.session", 1);

  /// @param pid @param processGroup @param session in the engine's pid namespace
  /// @param groupOutside whether the process group's leader is not part of the tree @param sessionOutside the same
  /// @param terminal `MAJOR:MINOR` of the controlling terminal
  record State(@Tag(1) int pid, @Tag(2) int processGroup, @Tag(3) int session, @Tag(4) boolean groupOutside,
      @Tag(5) boolean sessionOutside, @Tag(6) Optional<String> terminal) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Loss> losses(State state) {
    return losses(state, Optional.empty());
  }

  @Override
  public List<Loss> losses(State state, Host host) {
    return losses(state, host.inherited("stat").map(Stat::parse));
  }

  private static List<Loss> losses(State state, Optional<Stat> restorer) {
    var losses = new ArrayList<Loss>();
    if (state.sessionOutside() && restorer.map(r -> r.session() != state.session()).orElse(true)) {
      losses.add(new Loss("session " + state.session() + " is another's: it joins the restorer's",
          "restore from that session, or start the program with setsid(1)"));
    }
    if (state.groupOutside() && restorer.map(r -> r.pgrp() != state.processGroup()).orElse(true)) {
      losses.add(new Loss("process group " + state.processGroup() + " is another's: it joins the restorer's",
          "start the program with setsid(1) or as a job of its own"));
    }
    return losses;
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) {
    Stat stat = group.leader().stat();
    int pid = group.pid();
    return Optional.of(new State(pid, stat.pgrp(), stat.session(), group.taskInTree(stat.pgrp()).isEmpty(),
        group.taskInTree(stat.session()).isEmpty(),
        stat.tty().equals(Device.NONE) ? Optional.empty() : Optional.of(stat.tty().toString())));
  }

  /// Sessions and process groups are the planner's: only it sees all tasks of the tree.
  @Override
  public void restore(State state, Script script, Refs refs) {}

  @Override
  public Stage stage() {
    return Stage.BIRTH;
  }
  /// What leads from outside is the restorer's.
  @Override
  public State agreed(State state, State copy) {
    return new State(copy.pid(), state.groupOutside() ? state.processGroup() : copy.processGroup(),
        state.sessionOutside() ? state.session() : copy.session(), copy.groupOutside(), copy.sessionOutside(),
        copy.terminal());
  }
}

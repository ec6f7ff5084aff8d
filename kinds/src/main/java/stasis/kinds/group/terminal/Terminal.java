package stasis.kinds.group.terminal;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.Ptys;
import stasis.linux.abi.Nr;
import stasis.procfs.Device;
import stasis.procfs.Stat;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.Loss;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// The controlling terminal, in the process that leads the session: members born later have it from there.
public final class Terminal implements GroupAspect<Terminal.State> {
  /// @param session its number @param device `MAJOR:MINOR`
  /// @param pty number of a pseudoterminal of the tree @param ptys their body
  record State(@Tag(1) int session, @Tag(2) String device, @Tag(3) Optional<Integer> pty,
      @Tag(4) Optional<ObjectId> ptys) {
    State {
      if (pty.isPresent() != ptys.isPresent()) {
        throw new IllegalArgumentException("a pseudoterminal and its body go together");
      }
    }
  }

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.terminal", 1);
  private static final int TIOCSCTTY = 0x540e;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) {
    Stat stat = group.leader().stat();
    if (stat.tty().equals(Device.NONE) || stat.session() != group.pid()) {
      return Optional.empty();
    }
    Optional<Integer> pty = Ptys.of(stat.tty()).filter(number -> Ptys.isInside(group.treeFiles(), number));
    return Optional.of(new State(stat.session(), stat.tty().toString(), pty, pty.map(_ -> group.body(Ptys.BODY))));
  }

  @Override
  public List<Loss> losses(State state) {
    return state.pty().isPresent() ? List.of() : List.of(Loss.of("session " + state.session()
        + " comes back without its controlling terminal " + state.device()));
  }

  @Override
  public Set<ObjectId> needs(State state) {
    return state.ptys().map(Set::of).orElse(Set.of());
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    state.ptys().ifPresent(ptys -> script.call(Nr.IOCTL, "controlling terminal /dev/pts/" + state.pty().orElseThrow(),
        Arg.result(refs.noted(ptys, "slave " + state.pty().orElseThrow())), Arg.imm(TIOCSCTTY), Arg.imm(0)));
  }

  @Override
  public Stage stage() {
    return Stage.SESSION;
  }
}

package stasis.kinds.group.autogroup;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// The nice value of the session's scheduling group (`/proc/PID/autogroup`, sched(7)). Of a group that leads its
/// session only: setsid(2) gives that one a scheduling group of its own; any other shares the one of its restorer.
public final class AutoGroup implements GroupAspect<AutoGroup.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.autogroup", 1);
  private static final Pattern LINE = Pattern.compile("/autogroup-\\d+ nice (-?\\d+)");
  private static final long AT_FDCWD = -100;
  private static final long O_WRONLY_CLOEXEC = 0x80001;

  /// @param nice -20 to 19, never 0: that is what a new one has
  record State(@Tag(1) int nice) {
    private Bytes text() {
      Bytes string = Bytes.cString(Integer.toString(nice));
      return string.slice(0, string.length() - 1);
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    if (group.leader().stat().session() != group.pid()) {
      return Optional.empty();
    }
    return group.proc("autogroup").flatMap(AutoGroup::nice).filter(nice -> nice != 0).map(State::new);
  }

  /// Empty where autogroups are off: then the file is.
  private static Optional<Integer> nice(String text) {
    Matcher line = LINE.matcher(text.strip());
    return line.matches() ? Optional.of(Integer.valueOf(line.group(1))) : Optional.empty();
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    Bytes text = state.text();
    Ref<Fd> file = script.call(Nr.OPENAT, "autogroup", Arg.imm(AT_FDCWD), Arg.string("/proc/self/autogroup"),
        Arg.imm(O_WRONLY_CLOEXEC), Arg.imm(0));
    script.callExpecting(text.length(), Nr.WRITE, "autogroup nice " + state.nice(), Arg.result(file), Arg.data(text),
        Arg.imm(text.length()));
    script.call(Nr.CLOSE, "autogroup", Arg.result(file));
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }
}

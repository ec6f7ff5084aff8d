package stasis.kinds.group.coredumpfilter;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
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

/// Which mappings go into a core (`/proc/PID/coredump_filter`, core(5)).
public final class CoredumpFilter implements GroupAspect<CoredumpFilter.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.coredumpfilter", 1);
  private static final long AT_FDCWD = -100;
  private static final long O_WRONLY_CLOEXEC = 0x80001;

  /// @param bits as in core(5), "Controlling which mappings are written to the core dump"
  record State(@Tag(1) int bits) {
    private Bytes text() {
      Bytes string = Bytes.cString("0x" + Integer.toHexString(bits));
      return string.slice(0, string.length() - 1);
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  /// Empty where this kernel dumps no core, or the group has no memory any more: then the file is empty.
  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    return group.proc("coredump_filter").filter(text -> !text.isBlank())
        .map(text -> new State(Integer.parseUnsignedInt(text.strip(), 16)));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    Bytes text = state.text();
    Ref<Fd> file = script.call(Nr.OPENAT, "coredump_filter", Arg.imm(AT_FDCWD),
        Arg.string("/proc/self/coredump_filter"), Arg.imm(O_WRONLY_CLOEXEC), Arg.imm(0));
    script.callExpecting(text.length(), Nr.WRITE, "coredump_filter", Arg.result(file), Arg.data(text),
        Arg.imm(text.length()));
    script.call(Nr.CLOSE, "coredump_filter", Arg.result(file));
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }

  @Override
  public Of of() {
    return Of.MM;
  }
}

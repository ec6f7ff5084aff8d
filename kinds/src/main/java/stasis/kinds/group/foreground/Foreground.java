package stasis.kinds.group.foreground;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.Ptys;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.procfs.Stat;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// The foreground process group of a session's terminal, told to it by the session's leader when all groups exist.
public final class Foreground implements GroupAspect<Foreground.State> {
  /// @param group its number @param leader the task that has this number too, where it lives
  record State(@Tag(1) int group, @Tag(2) Optional<ObjectId> leader) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.foreground", 1);
  private static final int TIOCSPGRP = 0x5410;
  private static final int O_RDWR_NOCTTY_NONBLOCK_CLOEXEC = Open.O_RDWR | 0400 | 04000 | Open.O_CLOEXEC;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) {
    Stat stat = group.leader().stat();
    boolean leads = stat.session() == group.pid();
    boolean inside = Ptys.of(stat.tty()).filter(number -> Ptys.isInside(group.treeFiles(), number)).isPresent();
    return leads && inside && stat.tpgid() > 0
        ? Optional.of(new State(stat.tpgid(), group.taskInTree(stat.tpgid()))) : Optional.empty();
  }

  /// SIGTTOU is blocked meanwhile, so nobody is stopped for it. ESRCH: the group was gone, and still is.
  @Override
  public void restore(State state, Script script, Refs refs) {
    Ref<Fd> terminal = script.call(Nr.OPENAT, "the controlling terminal", Arg.imm(Open.AT_FDCWD),
        Arg.string("/dev/tty"), Arg.imm(O_RDWR_NOCTTY_NONBLOCK_CLOEXEC), Arg.imm(0));
    int group = state.leader().map(refs::pidOf).orElse(state.group());
    script.callTolerating(Set.of(Errno.ESRCH), Nr.IOCTL, "foreground process group", Arg.result(terminal),
        Arg.imm(TIOCSPGRP), Arg.data(Bytes.ofU32(group)));
    script.call(Nr.CLOSE, "the controlling terminal", Arg.result(terminal));
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }
}

package stasis.kinds.file.namespace;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.kinds.ipc.IpcSpace;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A namespace held open (`/proc/PID/ns`, namespaces(7)) that is the engine's own too: the program is in it, or came
/// from it. It becomes the one of the same type that the restorer is in.
public final class NamespaceFile implements FileKind<NamespaceFile.State> {
  /// @param type as the links of /proc/PID/ns are called @param flags of open(2)
  record State(@Tag(1) String type, @Tag(2) int flags) {
    State {
      if (!TYPES.contains(type)) {
        throw new IllegalArgumentException("no namespace is of type " + type);
      }
    }
  }

  private static final List<String> TYPES = List.of("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts");
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.namespace", 1);
  private static final Pattern LINK = Pattern.compile("([a-z]+):\\[\\d+]");
  private static final int LINK_BYTES = 64;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return type(file).isPresent() && (file.info().flags() & OpenFlags.O_PATH) == 0;
  }

  private static Optional<String> type(OpenFile file) {
    var matcher = LINK.matcher(file.link());
    return matcher.matches() && TYPES.contains(matcher.group(1)) ? Optional.of(matcher.group(1)) : Optional.empty();
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    String type = type(file).orElseThrow();
    Answer own = file.ask(Nr.READLINKAT, Arg.imm(Open.AT_FDCWD), Arg.string("/proc/self/ns/" + type),
        Arg.space(LINK_BYTES), Arg.imm(LINK_BYTES));
    // An IPC namespace of the tree's own is made for it again.
    boolean itsOwn = type.equals("ipc") && IpcSpace.isApart(file.task().group());
    if (itsOwn && file.link().equals(file.task().link("ns/ipc"))) {
      return new State(type, OpenFlags.of(file));
    }
    if (itsOwn || own.failed() || !own.output(2).slice(0, (int) own.result()).latin1().equals(file.link())) {
      throw new ObstructedException(file.subject(), "a namespace that is not the engine's cannot be carried",
          "run the checkpoint inside that namespace (nsenter(1)), or let the program close it");
    }
    return new State(type, OpenFlags.of(file));
  }

  @Override
  public List<Loss> losses(State state) {
    return List.of(Loss.of("it becomes the " + state.type() + " namespace of the restorer"));
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    return script.call(Nr.OPENAT, "namespace " + state.type(), Arg.imm(Open.AT_FDCWD),
        Arg.string("/proc/self/ns/" + state.type()), Arg.imm(state.flags()), Arg.imm(0));
  }
}

package stasis.kinds.group.root;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
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

/// The root directory, where it is not the engine's own (chroot(2)). After everything that is named by a path: those
/// are paths from the restorer's root. The working directory stays where it is.
public final class RootDirectory implements GroupAspect<RootDirectory.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.root", 1);

  /// @param path from the restorer's root
  record State(@Tag(1) PathBytes path) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    String subject = "root directory " + state.path();
    if (!host.capabilities().contains("CAP_SYS_CHROOT")) {
      return List.of(new Obstacle.HostLacks(subject, "chroot needs CAP_SYS_CHROOT", "restore with that capability"));
    }
    Optional<FileStat> there = host.file(state.path());
    return there.map(facts -> facts.type() == FileStat.S_IFDIR).orElse(false) ? List.of()
        : List.of(new Obstacle.Changed(subject, "a directory", there.isEmpty() ? "nothing" : "another file",
            "make that directory"));
  }

  /// Empty for a task that has the engine's own root.
  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    String link = group.leader().link("root");
    if (link.equals("/")) {
      return Optional.empty();
    }
    if (!link.startsWith("/") || group.leader().facts("root").links() == 0) {
      throw new ObstructedException(group.subject() + " root directory " + link,
          "it is deleted or cannot be reached from the engine's root", "");
    }
    return Optional.of(new State(PathBytes.of(link)));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    script.call(Nr.CHROOT, "root directory", Arg.path(state.path()));
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }

  @Override
  public Of of() {
    return Of.FS;
  }
}

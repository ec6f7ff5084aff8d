package stasis.kinds.namespace.same;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.resource.Answers;
import stasis.resource.FrozenGroup;
import stasis.resource.FrozenTask;
import stasis.resource.GroupAspect;
import stasis.resource.HiddenThread;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// Every thread is in the engine's own namespaces (namespaces(7)), or the group is refused by kind and inode. A time
/// namespace may be another: all there is to one are its clocks, which the statefile's header has. So may be an IPC
/// namespace, where the whole tree is in it.
public final class SameNamespaces implements GroupAspect<SameNamespaces.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "namespace.same", 1);
  private static final List<String> KINDS = List.of("cgroup", "ipc", "mnt", "net", "pid", "pid_for_children",
      "time_for_children", "user", "uts");
  /// What one thread of several can change for itself: not user and time namespaces, and the pid namespace for its
  /// children only (setns(2), unshare(2)).
  private static final List<String> OF_A_THREAD = List.of("cgroup", "ipc", "mnt", "net", "pid_for_children", "uts");

  /// Never stored.
  record State(@Tag(1) boolean same) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    for (FrozenTask task : group.tasks()) {
      boolean leader = task.tid().equals(group.leader().tid());
      if (!leader && task.hidden().map(HiddenThread::leadersNamespaces).orElse(false)) {
        continue;
      }
      for (String kind : leader ? KINDS : OF_A_THREAD) {
        String link = task.link("ns/" + kind);
        Comparison with = comparison(kind, task);
        if (!link.equals(with.namespace())) {
          throw new ObstructedException(task.subject(), "it is in another " + kind + " namespace: " + link + ", "
              + with.whose() + " in " + with.namespace(), with.remedy());
        }
      }
    }
    return Optional.empty();
  }

  private record Comparison(String namespace, String whose, String remedy) {}

  private static Comparison comparison(String kind, FrozenTask task) throws ObstructedException {
    String inside = "run the checkpoint inside that namespace (nsenter(1))";
    return switch (kind) {
      case "time_for_children" -> new Comparison(task.link("ns/time"), "itself", inside);
      case "ipc" -> new Comparison(task.group().tree().getFirst().leader().link("ns/ipc"), "the first of the tree is",
          "checkpoint those that are in that namespace, or run the checkpoint inside it (nsenter(1))");
      default -> new Comparison(task.group().engineNamespace(kind), "the engine is", inside);
    };
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    throw new IllegalStateException("namespaces are not stored");
  }

  @Override
  public Stage stage() {
    return Stage.BIRTH;
  }
}

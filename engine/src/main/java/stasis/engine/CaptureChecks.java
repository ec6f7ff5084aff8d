package stasis.engine;

import java.util.Map;
import java.util.Optional;
import stasis.image.DecodeException;
import stasis.image.ObjectId;
import stasis.resource.BodyKind;
import stasis.resource.FileKind;
import stasis.resource.FilesState;
import stasis.resource.Kind;
import stasis.resource.MappingAspect;
import stasis.resource.MappingKind;
import stasis.resource.MmState;
import stasis.resource.TaskState;
import stasis.resource.VmaState;
import stasis.resource.ZombieState;

/// Every reference of a decoded capture leads to an object of the sort it should: a statefile is hostile input.
final class CaptureChecks {
  private final Capture capture;

  CaptureChecks(Capture capture) {
    this.capture = capture;
  }

  void check() throws DecodeException {
    if (capture.leaders().isEmpty()) {
      throw new DecodeException("core.task", "objects", 0, "the statefile has no task");
    }
    for (Map.Entry<ObjectId, TaskState> entry : capture.tasks().entrySet()) {
      task(entry.getKey(), entry.getValue());
    }
    for (Map.Entry<ObjectId, ZombieState> zombie : capture.zombies().entrySet()) {
      leader("core.zombie", zombie.getValue().parent());
    }
    family();
    mms();
    for (FilesState files : capture.files().values()) {
      for (FilesState.Entry entry : files.entries()) {
        sort(entry.file(), FileKind.class, "core.files");
      }
    }
    for (MmState mm : capture.mms().values()) {
      for (VmaState vma : mm.vmas()) {
        sort(vma.backing(), MappingKind.class, "core.mm");
      }
      for (MmState.Attachment attachment : mm.attachments()) {
        sort(attachment.aspect(), MappingAspect.class, "core.mm");
      }
    }
    for (Capture.Item<?> item : capture.items().values()) {
      for (ObjectId need : Kinded.needs(item)) {
        Capture.Item<?> needed = capture.items().get(need);
        if (needed == null || !(needed.kind() instanceof FileKind<?> || needed.kind() instanceof BodyKind<?>)) {
          throw refers(item.kind().schema().name(), need, "a file or body");
        }
      }
    }
  }

  /// One root; a parent leads a thread group and comes before its children.
  private void family() throws DecodeException {
    for (Map.Entry<ObjectId, TaskState> entry : capture.leaders()) {
      ObjectId parent = entry.getValue().parent();
      boolean root = entry.getKey().equals(capture.root().getKey());
      if (root != parent.equals(entry.getKey()) || parent.compareTo(entry.getKey()) > 0) {
        throw refers("core.task", parent, "the parent of " + entry.getKey());
      }
      leader("core.task", parent);
    }
  }

  private void mms() throws DecodeException {
    for (Map.Entry<ObjectId, MmState> entry : capture.mms().entrySet()) {
      ObjectId base = entry.getValue().base().orElse(entry.getKey());
      if (!capture.mms().containsKey(base) || base.compareTo(entry.getKey()) > 0) {
        throw refers("core.mm", base, "the mm " + entry.getKey() + " is a copy of");
      }
    }
  }

  private void leader(String from, ObjectId id) throws DecodeException {
    TaskState task = capture.tasks().get(id);
    if (task == null || !task.leader().equals(id)) {
      throw refers(from, id, "a thread group leader");
    }
  }

  private void task(ObjectId id, TaskState task) throws DecodeException {
    TaskState leader = capture.tasks().get(task.leader());
    if (leader == null || !leader.leader().equals(task.leader())) {
      throw refers("core.task", task.leader(), "a thread group leader");
    }
    if (!capture.tasks().containsKey(task.parent())) {
      throw refers("core.task", task.parent(), "a task");
    }
    if (!capture.mms().containsKey(task.mm())) {
      throw refers("core.task", task.mm(), "an mm");
    }
    if (!capture.files().containsKey(task.files())) {
      throw refers("core.task", task.files(), "a table of files");
    }
    if (task.fs().isPresent()) {
      leader("core.task", task.fs().get());
    }
    if (task.handlers().isPresent()) {
      leader("core.task", task.handlers().get());
    }
    if (capture.cpus().containsKey(id) == task.ended().isPresent()
        || task.ended().isPresent() && (!task.leader().equals(id) || capture.threads(id).size() < 2)) {
      throw refers("core.task", id, "a task with registers");
    }
  }

  private void sort(ObjectId id, Class<?> sort, String from) throws DecodeException {
    Optional<Kind<?>> kind = Optional.ofNullable(capture.items().get(id)).map(Capture.Item::kind);
    if (kind.filter(sort::isInstance).isEmpty()) {
      throw refers(from, id, "an object of a " + sort.getSimpleName());
    }
  }

  private static DecodeException refers(String from, ObjectId id, String wanted) {
    return new DecodeException(from, "reference", 0, id + " is not " + wanted);
  }
}

package stasis.engine;

import java.util.HashMap;
import java.util.Map;
import stasis.image.ObjectId;
import stasis.resource.FilesState;

/// Objects of a capture in words: by the task, and the fd, that lead to them first.
final class Subjects {
  private final Map<ObjectId, String> words = new HashMap<>();
  private final Capture capture;

  Subjects(Capture capture) {
    this.capture = capture;
    capture.leaders().forEach(leader -> {
      String task = "task " + leader.getValue().ownPid() + " (" + leader.getValue().comm() + ")";
      words.put(leader.getKey(), task);
      words.putIfAbsent(leader.getValue().mm(), task);
      FilesState files = capture.files().get(leader.getValue().files());
      if (files != null) {
        files.entries().forEach(entry -> words.putIfAbsent(entry.file(), task + " fd " + entry.fd()));
      }
    });
    capture.tasks().forEach((id, task) -> words.putIfAbsent(id, "task " + task.ownPid() + " (" + task.comm() + ")"));
  }

  String of(ObjectId id) {
    String known = words.get(id);
    if (known != null) {
      return known;
    }
    Capture.Item<?> item = capture.items().get(id);
    return item == null || item.owner().isEmpty() ? "object " + id : of(item.owner().get());
  }
}

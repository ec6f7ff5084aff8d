package stasis.cli;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.engine.ImageMemory;
import stasis.image.Certificate;
import stasis.image.DecodeException;
import stasis.image.Fields;
import stasis.image.Limits;
import stasis.image.ObjectId;
import stasis.image.Statefile;
import stasis.image.StoredObject;
import stasis.resource.TaskState;

/// What a view of an image is made from.
///
/// @param certificate of the image, if it was proved @param arguments what follows the view @param task only this one,
///     by a pid it had; or all
record Inspection(Statefile statefile, ImageMemory memory, Optional<Certificate> certificate, List<String> arguments,
    Optional<Integer> task) {
  /// What needs no words.
  Inspection(Statefile statefile, ImageMemory memory) {
    this(statefile, memory, Optional.empty(), List.of(), Optional.empty());
  }

  /// A question that makes no sense of this image.
  static final class NoAnswerException extends Exception {
    private static final long serialVersionUID = 1L;

    NoAnswerException(String problem) {
      super(problem);
    }
  }

  /// The leaders that are asked for, by id. @throws NoAnswerException when there is no such task
  List<Map.Entry<ObjectId, TaskState>> leaders() throws NoAnswerException {
    List<Map.Entry<ObjectId, TaskState>> found = memory.tasks().entrySet().stream()
        .filter(entry -> entry.getValue().leader().equals(entry.getKey()))
        .filter(entry -> task.isEmpty() || entry.getValue().pids().contains(task.get())).toList();
    if (found.isEmpty()) {
      throw new NoAnswerException(task.isEmpty() ? "the image holds no task"
          : "the image holds no thread group " + task.get() + "; `inspect IMAGE ps` lists them");
    }
    return found;
  }

  static int pid(TaskState task) {
    return task.pids().getFirst();
  }

  Optional<Fields> aspect(ObjectId owner, String schemaName) throws DecodeException {
    for (StoredObject object : statefile.objects(schemaName)) {
      if (object.owner().filter(owner::equals).isPresent()) {
        return Optional.of(Fields.of(statefile, object));
      }
    }
    return Optional.empty();
  }

  /// The tasks whose field refers to an object, as pids.
  String users(String field, ObjectId object) throws DecodeException {
    StringBuilder pids = new StringBuilder();
    for (StoredObject one : statefile.objects("core.task")) {
      Fields row = Fields.of(statefile, one);
      if (row.id(field).filter(object::equals).isPresent()) {
        pids.append(pids.isEmpty() ? "" : ",").append(row.text("pids"));
      }
    }
    return pids.isEmpty() ? "nobody" : pids.toString();
  }

  /// What an object is, on one line: its path, addresses or number; or all it says.
  String brief(Optional<ObjectId> id) throws DecodeException {
    Optional<StoredObject> object = id.flatMap(statefile::object);
    if (object.isEmpty()) {
      return "?";
    }
    Fields fields = Fields.of(statefile, object.get());
    if (object.get().schemaName().matches("file\\.(tcp|udp)")) {
      return SocketRows.describe(object.get(), fields);
    }
    if (fields.field("path").isPresent()) {
      return fields.text("path");
    }
    Optional<ObjectId> body = fields.id("body");
    if (body.isPresent() && statefile.object(body.get()).isPresent()) {
      return statefile.object(body.get()).orElseThrow().schemaName() + " " + body.get();
    }
    return fields.message().entries().isEmpty() ? ""
        : statefile.schema(object.get()).read(object.get().state(), Limits.DEFAULT).json();
  }
}

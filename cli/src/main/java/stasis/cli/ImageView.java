package stasis.cli;

import java.util.List;
import java.util.Optional;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.ObjectId;
import stasis.image.Statefile;
import stasis.image.StoredObject;
import stasis.image.Value;

/// The views of `inspect`, spelled as users type them. They read objects by the schemas that travel in the statefile,
/// so
/// a kind of a newer engine is shown like any other.
enum ImageView {
  ps("core\\.task") {
    @Override
    String render(Statefile statefile) throws DecodeException {
      Table table = new Table("PID", "LEADER", "PARENT", "PGRP", "SESSION", "MM", "COMMAND");
      for (StoredObject task : statefile.objects("core.task")) {
        Row row = Row.of(statefile, task);
        table.row(row.text("pids"), pid(statefile, row.id("leader")), pid(statefile, row.id("parent")),
            row.text("processGroup"), row.text("session"), row.text("mm"), row.text("comm"));
      }
      return table.render();
    }
  },

  pmap("core\\.mm|mapping\\..*|body\\..*") {
    @Override
    String render(Statefile statefile) throws DecodeException {
      StringBuilder out = new StringBuilder();
      for (StoredObject mm : statefile.objects("core.mm")) {
        out.append("mm ").append(mm.id()).append(" of ").append(users(statefile, "mm", mm.id())).append('\n');
        Table table = new Table("START", "KIB", "PROT", "OFFSET", "FLAGS", "BACKING");
        for (Row vma : Row.of(statefile, mm).rows("vmas")) {
          table.row(vma.text("start"), Long.toString(vma.number("lengthBytes") / 1024), prot(vma),
              vma.text("offset"), vma.text("flags"), brief(statefile, vma.id("backing")));
        }
        out.append(table.render());
      }
      return out.toString();
    }
  },

  lsof("core\\.files|file\\..*|body\\..*") {
    @Override
    String render(Statefile statefile) throws DecodeException {
      Table table = new Table("TASKS", "FD", "CLOEXEC", "FILE");
      for (StoredObject files : statefile.objects("core.files")) {
        for (Row entry : Row.of(statefile, files).rows("entries")) {
          table.row(users(statefile, "files", files.id()), entry.text("fd"), entry.text("closeOnExec"),
              brief(statefile, entry.id("file")));
        }
      }
      return table.render();
    }
  },

  show(".*") {
    @Override
    String render(Statefile statefile) throws DecodeException {
      return statefile.show();
    }
  };

  private final String schemaNames;

  /// @param schemaNames of the objects that belong to the view, as a regular expression
  ImageView(String schemaNames) {
    this.schemaNames = schemaNames;
  }

  abstract String render(Statefile statefile) throws DecodeException;

  /// Whether objects of this schema belong to the view.
  boolean holds(String schemaName) {
    return schemaName.matches(schemaNames);
  }

  private static String prot(Row vma) {
    long prot = vma.number("prot");
    return ((prot & 1) != 0 ? "r" : "-") + ((prot & 2) != 0 ? "w" : "-") + ((prot & 4) != 0 ? "x" : "-")
        + (vma.text("shared").equals("true") ? "s" : "p");
  }

  /// The pids of the tasks whose field refers to an object.
  private static String users(Statefile statefile, String field, ObjectId object) throws DecodeException {
    StringBuilder pids = new StringBuilder();
    for (StoredObject task : statefile.objects("core.task")) {
      Row row = Row.of(statefile, task);
      if (row.id(field).filter(object::equals).isPresent()) {
        pids.append(pids.isEmpty() ? "" : ",").append(row.text("pids"));
      }
    }
    return pids.isEmpty() ? "nobody" : pids.toString();
  }

  private static String pid(Statefile statefile, Optional<ObjectId> task) throws DecodeException {
    Optional<StoredObject> object = task.flatMap(statefile::object);
    return object.isPresent() ? Row.of(statefile, object.get()).text("pids") : "?";
  }

  /// Kind and state of an object on one line.
  private static String brief(Statefile statefile, Optional<ObjectId> id) throws DecodeException {
    Optional<StoredObject> object = id.flatMap(statefile::object);
    if (object.isEmpty()) {
      return "?";
    }
    return object.get().schemaName() + " "
        + statefile.schema(object.get()).read(object.get().state(), Limits.DEFAULT).json();
  }

  /// A record's fields by name; one that is not there reads as `?`, because images outlive names.
  private record Row(Value.Message message) {
    static Row of(Statefile statefile, StoredObject object) throws DecodeException {
      return new Row(statefile.schema(object).read(object.state(), Limits.DEFAULT));
    }

    Optional<Value> field(String name) {
      return message.entries().stream().filter(e -> e.name().equals(name)).map(Value.Entry::value).findFirst();
    }

    /// As people read it; hostile text cannot reach the terminal, because JSON escapes it.
    String text(String name) {
      return field(name).map(value -> switch (value) {
        case Value.Sequence(List<Value> elements) -> String.join("/", elements.stream().map(Value::json).toList());
        default -> value.json().replaceAll("^\"|\"$", "");
      }).orElse("?");
    }

    long number(String name) {
      return field(name).map(value -> value instanceof Value.Whole(_, long number) ? number : 0L).orElse(0L);
    }

    Optional<ObjectId> id(String name) {
      return field(name).flatMap(value -> value instanceof Value.Whole(_, long number)
          ? Optional.of(new ObjectId(Math.toIntExact(number))) : Optional.empty());
    }

    List<Row> rows(String name) {
      return field(name).map(value -> switch (value) {
        case Value.Sequence(List<Value> elements) -> elements.stream()
            .filter(Value.Message.class::isInstance).map(e -> new Row((Value.Message) e)).toList();
        default -> List.<Row>of();
      }).orElse(List.of());
    }
  }
}

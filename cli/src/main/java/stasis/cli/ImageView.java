package stasis.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.engine.ImageMemory.Place;
import stasis.engine.ImageMemory.Stretch;
import stasis.engine.Judgement;
import stasis.image.DecodeException;
import stasis.image.Fields;
import stasis.image.ObjectId;
import stasis.image.Statefile;
import stasis.image.StoredObject;
import stasis.kinds.Kinds;
import stasis.kinds.TcpPeers;
import stasis.repository.ImageException;
import stasis.resource.Obstacle;
import stasis.resource.VmaState;

/// The views of `inspect`, spelled as users type them. They read objects by the schemas that travel in the statefile,
/// so a kind of a newer engine is shown like any other.
enum ImageView {
  ps("core\\.task") {
    @Override
    Shown show(Inspection image) throws DecodeException, ImageException, Inspection.NoAnswerException {
      Table table = new Table("PID", "LEADER", "PARENT", "PGRP", "SESSION", "MM", "COMMAND");
      Statefile statefile = image.statefile();
      for (StoredObject task : statefile.objects("core.task")) {
        Fields row = Fields.of(statefile, task);
        if (image.task().isEmpty() || pid(statefile, row.id("leader")).matches("(.*/)?" + image.task().get())) {
          table.row(row.text("pids"), pid(statefile, row.id("leader")), pid(statefile, row.id("parent")),
              row.text("processGroup"), row.text("session"), row.text("mm"),
              MemoryRows.commandLine(image, task.id()).orElse(row.text("comm")));
        }
      }
      return Shown.of(table);
    }
  },

  pmap("core\\.mm|mapping\\..*|body\\..*") {
    @Override
    Shown show(Inspection image) throws DecodeException, Inspection.NoAnswerException {
      List<Shown.Section> sections = new ArrayList<>();
      for (StoredObject mm : image.statefile().objects("core.mm")) {
        String users = image.users("mm", mm.id());
        if (image.task().isEmpty() || List.of(users.split("[,/]")).contains(image.task().get().toString())) {
          sections.add(new Shown.Section("mm " + mm.id() + " of " + users, vmas(image, mm.id())));
        }
      }
      return Shown.of(sections);
    }
  },

  lsof("core\\.files|file\\..*|body\\..*") {
    @Override
    Shown show(Inspection image) throws DecodeException {
      Table table = new Table("TASKS", "FD", "CLOEXEC", "KIND", "NAME");
      for (StoredObject files : image.statefile().objects("core.files")) {
        String users = image.users("files", files.id());
        if (image.task().isPresent() && !List.of(users.split("[,/]")).contains(image.task().get().toString())) {
          continue;
        }
        for (Fields entry : Fields.of(image.statefile(), files).records("entries")) {
          table.row(users, entry.text("fd"), entry.text("closeOnExec"),
              entry.id("file").flatMap(image.statefile()::object).map(StoredObject::schemaName).orElse("?"),
              image.brief(entry.id("file")));
        }
      }
      return Shown.of(table);
    }
  },

  ss("core\\.files|file\\.(tcp|udp|unix)|body\\.unix") {
    @Override
    Shown show(Inspection image) throws DecodeException {
      return Shown.of(SocketRows.of(image));
    }
  },

  env("group\\.mm") {
    @Override
    Shown show(Inspection image) throws DecodeException, ImageException, Inspection.NoAnswerException {
      return Shown.of(MemoryRows.environment(image));
    }
  },

  stack("core\\.(task|cpu)") {
    @Override
    Shown show(Inspection image) throws ImageException, Inspection.NoAnswerException {
      return Shown.of(StackRows.of(image));
    }
  },

  grep("core\\.none") {
    @Override
    Shown show(Inspection image) throws ImageException, Inspection.NoAnswerException {
      return Shown.of(MemorySearch.of(image));
    }
  },

  cat("core\\.none") {
    @Override
    Shown show(Inspection image) throws ImageException, Inspection.NoAnswerException {
      return MemoryRows.bytes(image);
    }
  },

  needs("core\\.none") {
    @Override
    Shown show(Inspection image) throws DecodeException {
      Table table = new Table("WHAT", "NEEDED");
      for (Obstacle need : Judgement.needs(Kinds.all(TcpPeers.KEEP), image.statefile(),
          image.memory())) {
        table.row(MemoryRows.printable(need.subject()), MemoryRows.printable(
            need instanceof Obstacle.Changed changed ? changed.expected() : need.reason()));
      }
      return Shown.of(table);
    }
  },

  certificate("core\\.none") {
    @Override
    Shown show(Inspection image) throws Inspection.NoAnswerException {
      return CertificateRows.of(image.certificate().orElseThrow(() -> new Inspection.NoAnswerException(
          "the image has no certificate; `stasis checkpoint --verify` makes one")));
    }
  },

  show(".*") {
    @Override
    Shown show(Inspection image) throws DecodeException {
      return Shown.text(image.statefile().show());
    }
  };

  private final String schemaNames;

  /// @param schemaNames of the objects that belong to the view, as a regular expression
  ImageView(String schemaNames) {
    this.schemaNames = schemaNames;
  }

  abstract Shown show(Inspection image) throws DecodeException, ImageException, Inspection.NoAnswerException;

  /// Whether objects of this schema belong to the view.
  boolean holds(String schemaName) {
    return schemaName.matches(schemaNames);
  }

  /// As `pmap -x` has them: STORED is what of a vma lies in the image.
  private static Table vmas(Inspection image, ObjectId mm) throws DecodeException {
    Table table = new Table("START", "KIB", "STORED", "PROT", "OFFSET", "FLAGS", "BACKING");
    long total = 0;
    long totalStored = 0;
    for (VmaState vma : image.memory().vmas(mm)) {
      long stored = image.memory().stretches(mm, vma).stream().filter(s -> s.place() instanceof Place.Stored)
          .mapToLong(Stretch::lengthBytes).sum();
      total += vma.lengthBytes();
      totalStored += stored;
      table.row(vma.start().toString(), Long.toString(vma.lengthBytes() / 1024), Long.toString(stored / 1024),
          prot(vma), Long.toString(vma.offset()), vma.flags().strip(), name(image, vma));
    }
    table.row("total", Long.toString(total / 1024), Long.toString(totalStored / 1024), "", "", "", "");
    return table;
  }

  /// What is mapped there, as /proc/PID/maps would name it.
  static String name(Inspection image, VmaState vma) throws DecodeException {
    String kind = image.statefile().object(vma.backing()).map(StoredObject::schemaName).orElse("?");
    return (kind + " " + (vma.name().isEmpty() ? "" : "[" + vma.name() + "] ")
        + image.brief(Optional.of(vma.backing()))).strip();
  }

  private static String prot(VmaState vma) {
    return ((vma.prot() & 1) != 0 ? "r" : "-") + ((vma.prot() & 2) != 0 ? "w" : "-")
        + ((vma.prot() & 4) != 0 ? "x" : "-") + (vma.shared() ? "s" : "p");
  }

  private static String pid(Statefile statefile, Optional<ObjectId> task) throws DecodeException {
    Optional<StoredObject> object = task.flatMap(statefile::object);
    return object.isPresent() ? Fields.of(statefile, object.get()).text("pids") : "?";
  }
}

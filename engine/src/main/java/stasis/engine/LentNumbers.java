package stasis.engine;

import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import stasis.image.ObjectId;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.resource.Arg;
import stasis.resource.FilesState;
import stasis.resource.Script;
import stasis.resource.TaskState;

/// Numbers that late files need to be open while they are made: each has the statefile meanwhile, in the table of the
/// task that the file tells of. They lie below the planner's own.
final class LentNumbers {
  /// By the object of the table.
  private final Map<ObjectId, NavigableSet<Fd>> byTable = new TreeMap<>();

  private LentNumbers() {}

  static LentNumbers of(Capture capture) {
    var lent = new LentNumbers();
    Map<Integer, ObjectId> tables = new TreeMap<>();
    for (TaskState task : capture.tasks().values()) {
      tables.put(task.ownPid(), GroupPlan.require(capture.tasks(), task.leader()).files());
    }
    for (Capture.Item<?> item : capture.items().values()) {
      Kinded.needsNumber(item).ifPresent(number -> Optional.ofNullable(tables.get(number.pid()))
          .ifPresent(table -> lent.byTable.computeIfAbsent(table, _ -> new TreeSet<>()).add(number.fd())));
    }
    return lent;
  }

  /// The first fd above all of them.
  int above() {
    return byTable.values().stream().mapToInt(fds -> fds.getLast().value() + 1).max().orElse(0);
  }

  void lend(ObjectId table, int imageFd, Script script) {
    for (Fd fd : byTable.getOrDefault(table, new TreeSet<>())) {
      script.callExpecting(fd.value(), Nr.DUP3, "number " + fd + " is open", Arg.imm(imageFd), Arg.imm(fd.value()),
          Arg.imm(0));
    }
  }

  /// Those that the task has no file at.
  void takeBack(ObjectId table, FilesState files, Script script) {
    for (Fd fd : byTable.getOrDefault(table, new TreeSet<>())) {
      if (files.entries().stream().noneMatch(entry -> entry.fd().equals(fd))) {
        script.call(Nr.CLOSE, "number " + fd + " is closed", Arg.imm(fd.value()));
      }
    }
  }
}

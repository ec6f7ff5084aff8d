package stasis.cli;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.SortedMap;
import java.util.TreeMap;
import stasis.engine.ImageMemory;
import stasis.engine.ImageMemory.Place;
import stasis.engine.ImageMemory.Stretch;
import stasis.image.DecodeException;
import stasis.image.Fields;
import stasis.image.ObjectId;
import stasis.image.StoredObject;
import stasis.repository.ImageException;
import stasis.resource.TaskState;
import stasis.resource.VmaState;

/// What differs between two images, row by row.
final class ImageDifference {
  private static final int PAGE_BYTES = 4096;
  private static final int WINDOW_BYTES = 1 << 20;

  private final Table table = new Table("PID", "WHAT", "BEFORE", "AFTER");
  private final ImageMemory before;
  private final ImageMemory after;

  ImageDifference(ImageMemory before, ImageMemory after) {
    this.before = before;
    this.after = after;
  }

  Table table() throws DecodeException, ImageException {
    SortedMap<Integer, ObjectId> left = tasks(before);
    SortedMap<Integer, ObjectId> right = tasks(after);
    maps("", "task", described(before, left), described(after, right));
    for (Map.Entry<Integer, ObjectId> task : left.entrySet()) {
      ObjectId other = right.get(task.getKey());
      TaskState one = state(before, task.getValue());
      if (other != null && one.leader().equals(task.getValue())) {
        String pid = task.getKey().toString();
        TaskState two = state(after, other);
        maps(pid, "fd", files(before, one), files(after, two));
        maps(pid, "vma", vmas(before, one), vmas(after, two));
        pages(pid, one, two);
      }
    }
    return table;
  }

  private static SortedMap<Integer, ObjectId> tasks(ImageMemory image) {
    SortedMap<Integer, ObjectId> tasks = new TreeMap<>();
    image.tasks().forEach((id, task) -> tasks.put(task.pids().getFirst(), id));
    return tasks;
  }

  private static TaskState state(ImageMemory image, ObjectId task) {
    return Optional.ofNullable(image.tasks().get(task)).orElseThrow();
  }

  private static SequencedMap<String, String> described(ImageMemory image, Map<Integer, ObjectId> tasks) {
    SequencedMap<String, String> described = new TreeMap<>();
    tasks.forEach((pid, id) -> described.put(pid.toString(), MemoryRows.printable(state(image, id).comm())));
    return described;
  }

  private static SequencedMap<String, String> files(ImageMemory image, TaskState task) throws DecodeException {
    SequencedMap<String, String> files = new TreeMap<>();
    Optional<StoredObject> table = image.statefile().object(task.files());
    if (table.isPresent()) {
      Inspection inspection = new Inspection(image.statefile(), image);
      for (Fields entry : Fields.of(image.statefile(), table.get()).records("entries")) {
        Optional<StoredObject> file = entry.id("file").flatMap(image.statefile()::object);
        files.put("%5s".formatted(entry.text("fd")), file.map(StoredObject::schemaName).orElse("?") + " "
            + inspection.brief(entry.id("file")) + position(image, file));
      }
    }
    return files;
  }

  private static String position(ImageMemory image, Optional<StoredObject> file) throws DecodeException {
    if (file.isEmpty()) {
      return "";
    }
    Fields fields = Fields.of(image.statefile(), file.get());
    return fields.field("positionBytes").isPresent() ? " at " + fields.text("positionBytes") : "";
  }

  private static SequencedMap<String, String> vmas(ImageMemory image, TaskState task) throws DecodeException {
    SequencedMap<String, String> vmas = new TreeMap<>();
    Inspection inspection = new Inspection(image.statefile(), image);
    for (VmaState vma : image.vmas(task.mm())) {
      vmas.put(vma.start().toString(), vma.lengthBytes() / 1024 + " KiB, prot " + vma.prot() + ", "
          + ImageView.name(inspection, vma));
    }
    return vmas;
  }

  private void maps(String pid, String what, Map<String, String> left, Map<String, String> right) {
    SortedMap<String, String> all = new TreeMap<>(left);
    all.putAll(right);
    for (String key : all.keySet()) {
      String one = left.getOrDefault(key, "");
      String two = right.getOrDefault(key, "");
      if (!one.equals(two)) {
        table.row(pid, what + " " + key.strip(), one.isEmpty() ? "-" : one, two.isEmpty() ? "-" : two);
      }
    }
  }

  /// Of each vma that both have: how many pages differ. Shared memory counts for each who maps it.
  private void pages(String pid, TaskState one, TaskState two) throws ImageException {
    Map<Long, VmaState> others = new TreeMap<>();
    after.vmas(two.mm()).forEach(vma -> others.put(vma.start().bits(), vma));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment left = arena.allocate(WINDOW_BYTES);
      MemorySegment right = arena.allocate(WINDOW_BYTES);
      for (VmaState vma : before.vmas(one.mm())) {
        VmaState other = others.get(vma.start().bits());
        if (other == null || inFilesOnly(before, one.mm(), vma) && inFilesOnly(after, two.mm(), other)) {
          continue;
        }
        long end = Math.min(vma.end().bits(), other.end().bits());
        List<Stretch> ours = before.stretches(one.mm(), vma);
        List<Stretch> theirs = after.stretches(two.mm(), other);
        long differing = 0;
        for (long at = vma.start().bits(); at < end; at += WINDOW_BYTES) {
          long length = Math.min(WINDOW_BYTES, end - at);
          if (stored(ours, at, at + length) || stored(theirs, at, at + length)) {
            fill(before, ours, at, left.asSlice(0, length));
            fill(after, theirs, at, right.asSlice(0, length));
            differing += differing(left, right, length);
          }
        }
        if (differing > 0) {
          table.row(pid, "pages of vma " + vma.start(), "of " + (end - vma.start().bits()) / PAGE_BYTES,
              differing + " differ");
        }
      }
    }
  }

  private static boolean inFilesOnly(ImageMemory image, ObjectId mm, VmaState vma) {
    return !stored(image.stretches(mm, vma), vma.start().bits(), vma.end().bits());
  }

  private static boolean stored(List<Stretch> stretches, long from, long to) {
    return stretches.stream().anyMatch(s -> s.place() instanceof Place.Stored && s.start() < to && s.end() > from);
  }

  /// What cannot be had counts as zeros on both sides.
  private static void fill(ImageMemory image, List<Stretch> stretches, long from, MemorySegment into)
      throws ImageException {
    into.fill((byte) 0);
    for (Stretch stretch : stretches) {
      long start = Math.max(stretch.start(), from);
      long end = Math.min(stretch.end(), from + into.byteSize());
      if (start < end) {
        image.read(stretch, start, into.asSlice(start - from, end - start));
      }
    }
  }

  private static long differing(MemorySegment left, MemorySegment right, long lengthBytes) {
    long pages = 0;
    for (long at = 0; at < lengthBytes; at += PAGE_BYTES) {
      pages += MemorySegment.mismatch(left, at, at + PAGE_BYTES, right, at, at + PAGE_BYTES) < 0 ? 0 : 1;
    }
    return pages;
  }
}

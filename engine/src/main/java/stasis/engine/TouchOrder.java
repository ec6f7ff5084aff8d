package stasis.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;
import stasis.image.ObjectId;

/// What a program touched first after earlier restores, in stretches of one MiB: those are put in first after the next.
/// A hint and no more: whatever the file says, every page comes where it belongs.
///
/// @param touches first come first
record TouchOrder(List<Touch> touches) {
  static final long STRETCH_BYTES = 1L << 20;
  private static final int TOUCHES_MAX = 1 << 16;
  private static final long FILE_MAX = 4L << 20;
  static final TouchOrder NONE = new TouchOrder(List.of());

  /// @param start a multiple of a stretch
  record Touch(ObjectId mm, long start) {}

  public TouchOrder {
    touches = List.copyOf(touches);
  }

  /// Reads a line for each: mm and address. What cannot be read is no hint.
  static TouchOrder read(Path file) {
    try {
      if (!Files.isRegularFile(file) || Files.size(file) > FILE_MAX) {
        return NONE;
      }
      SequencedSet<Touch> touches = new LinkedHashSet<>();
      for (String line : Files.readAllLines(file)) {
        String[] words = line.split(" ", 3);
        touches.add(new Touch(new ObjectId(Integer.parseInt(words[0])),
            Long.parseUnsignedLong(words[1], 16) & -STRETCH_BYTES));
      }
      return new TouchOrder(touches.stream().limit(TOUCHES_MAX).toList());
    } catch (IOException | IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
      return NONE;
    }
  }

  /// These first, then what was known before and did not come this time.
  TouchOrder before(TouchOrder earlier) {
    SequencedSet<Touch> all = new LinkedHashSet<>(touches);
    all.addAll(earlier.touches());
    return new TouchOrder(all.stream().limit(TOUCHES_MAX).toList());
  }

  /// Replaces the file; where that may not be written, nothing is lost but the hint.
  void write(Path file) {
    var lines = new ArrayList<String>();
    touches.forEach(touch -> lines.add(touch.mm().value() + " " + Long.toHexString(touch.start())));
    try {
      Path whole = Files.createTempFile(file.toAbsolutePath().getParent(), ".stasis", ".touched");
      try {
        Files.write(whole, lines);
        Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(whole);
      }
    } catch (IOException e) {
      // The next restore goes in the order of addresses.
    }
  }
}

package stasis.cli;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import stasis.engine.ImageMemory.Place;
import stasis.engine.ImageMemory.Stretch;
import stasis.image.DecodeException;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.repository.ImageException;
import stasis.resource.TaskState;
import stasis.resource.VmaState;

/// `grep`: where bytes stand in the memory that an image holds, and whose they are. Zeros and what lies in files of the
/// host are not searched.
final class MemorySearch {
  private static final int WINDOW_BYTES = 1 << 20;
  private static final int CONTEXT_BYTES = 48;
  private static final int MAX_PATTERN_BYTES = 1 << 16;

  private final Inspection image;
  private final byte[] pattern;
  private final Table table = new Table("PID", "ADDRESS", "VMA", "TEXT");
  private final byte[] window = new byte[WINDOW_BYTES + MAX_PATTERN_BYTES];

  private MemorySearch(Inspection image, byte[] pattern) {
    this.image = image;
    this.pattern = pattern;
  }

  static Table of(Inspection image) throws ImageException, Inspection.NoAnswerException {
    if (image.arguments().size() != 1 || image.arguments().getFirst().isEmpty()) {
      throw new Inspection.NoAnswerException("give what to look for: text, or hex: and digits");
    }
    String wanted = image.arguments().getFirst();
    byte[] pattern;
    try {
      pattern = wanted.startsWith("hex:") ? HexFormat.of().parseHex(wanted.substring(4))
          : wanted.getBytes(StandardCharsets.UTF_8);
    } catch (IllegalArgumentException _) {
      throw new Inspection.NoAnswerException("behind hex: come pairs of hexadecimal digits");
    }
    if (pattern.length == 0 || pattern.length > MAX_PATTERN_BYTES) {
      throw new Inspection.NoAnswerException("what to look for is 1 to " + MAX_PATTERN_BYTES + " bytes");
    }
    MemorySearch search = new MemorySearch(image, pattern);
    for (Map.Entry<ObjectId, TaskState> leader : image.leaders()) {
      search.in(leader.getValue());
    }
    return search.table;
  }

  private void in(TaskState task) throws ImageException {
    for (VmaState vma : image.memory().vmas(task.mm())) {
      long runFrom = 0;
      int held = 0;
      for (Stretch stretch : image.memory().stretches(task.mm(), vma)) {
        if (!(stretch.place() instanceof Place.Stored)) {
          held = 0;
          continue;
        }
        for (long at = stretch.start(); at < stretch.end(); at += WINDOW_BYTES) {
          int length = (int) Math.min(WINDOW_BYTES, stretch.end() - at);
          // The end of what came before, when it touches, because a match may lie across.
          int kept = held > 0 && runFrom + held == at ? Math.min(held, pattern.length - 1) : 0;
          System.arraycopy(window, held - kept, window, 0, kept);
          image.memory().read(stretch, at, MemorySegment.ofArray(window).asSlice(kept, length));
          runFrom = at - kept;
          held = kept + length;
          matches(task, vma, runFrom, held);
        }
      }
    }
  }

  private void matches(TaskState task, VmaState vma, long address, int length) {
    for (int at = 0; at + pattern.length <= length; at++) {
      if (window[at] == pattern[0]
          && Arrays.equals(window, at, at + pattern.length, pattern, 0, pattern.length)) {
        Bytes context = Bytes.of(Arrays.copyOfRange(window, at, Math.min(length, at + CONTEXT_BYTES)));
        table.row(Integer.toString(Inspection.pid(task)), "0x%x".formatted(address + at), name(vma),
            MemoryRows.text(context));
      }
    }
  }

  private String name(VmaState vma) {
    try {
      return ImageView.name(image, vma);
    } catch (DecodeException e) {
      return "?";
    }
  }
}

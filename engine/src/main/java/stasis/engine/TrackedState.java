package stasis.engine;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.Tid;
import stasis.repository.ImageIdentity;

/// What the process that holds a tree's userfaultfds knows of it, for the next checkpoint.
///
/// @param root leader of the tree @param rootStart see [Mm#start]
/// @param parent the image at whose freeze the memory was protected
record TrackedState(Tid root, long rootStart, ImageIdentity parent, List<Mm> mms) {
  private static final String FIRST = "stasis-tracking 1";

  /// One memory.
  ///
  /// @param task leader of a group that has it @param start when that began, in clock ticks since boot: a tid alone may
  ///     be another's by now
  /// @param body what it is in the parent @param fd of its userfaultfd, in the holder
  /// @param canaries what tells whether its soft-dirty bits are as we left them, where those are used
  record Mm(Tid task, long start, ObjectId body, Fd fd, List<SoftDirty.Canary> canaries) {
    Mm {
      canaries = List.copyOf(canaries);
    }
  }

  TrackedState {
    mms = List.copyOf(mms);
  }

  Bytes encode() {
    StringBuilder out = new StringBuilder(FIRST).append('\n');
    out.append("root ").append(root).append(' ').append(rootStart).append('\n');
    out.append("parent ").append(parent.title()).append(' ').append(parent.root()).append('\n');
    mms.forEach(mm -> out.append("mm ").append(mm.task()).append(' ').append(mm.start()).append(' ')
        .append(mm.body().value()).append(' ').append(mm.fd()).append(canaries(mm)).append('\n'));
    return Bytes.of(out.append("end\n").toString().getBytes(StandardCharsets.US_ASCII));
  }

  /// @return empty when it is not one, or not whole
  static Optional<TrackedState> decode(Bytes text) {
    List<String> lines = new String(text.toArray(), StandardCharsets.US_ASCII).lines().toList();
    if (lines.size() < 4 || !lines.getFirst().equals(FIRST) || !lines.getLast().equals("end")) {
      return Optional.empty();
    }
    try {
      List<String> root = words(lines.get(1), "root", 2);
      List<String> parent = words(lines.get(2), "parent", 2);
      var mms = new ArrayList<Mm>();
      for (String line : lines.subList(3, lines.size() - 1)) {
        List<String> all = List.of(line.split(" ", -1));
        List<String> mm = words(String.join(" ", all.subList(0, Math.min(5, all.size()))), "mm", 4);
        mms.add(new Mm(new Tid(Integer.parseInt(mm.get(0))), Long.parseLong(mm.get(1)),
            new ObjectId(Integer.parseInt(mm.get(2))), new Fd(Integer.parseInt(mm.get(3))),
            all.subList(5, all.size()).stream().map(TrackedState::canary).toList()));
      }
      return Optional.of(new TrackedState(new Tid(Integer.parseInt(root.getFirst())), Long.parseLong(root.getLast()),
          new ImageIdentity(parent.getFirst(), parent.getLast()), mms));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static String canaries(Mm mm) {
    return mm.canaries().stream().map(canary -> " " + Long.toHexString(canary.page().bits()) + ":"
        + Long.toHexString(canary.start().bits()) + ":" + Long.toHexString(canary.end().bits()))
        .collect(Collectors.joining());
  }

  private static SoftDirty.Canary canary(String word) {
    List<RemoteAddress> parts = Stream.of(word.split(":", -1))
        .map(part -> new RemoteAddress(Long.parseUnsignedLong(part, 16))).toList();
    if (parts.size() != 3) {
      throw new IllegalArgumentException(word);
    }
    return new SoftDirty.Canary(parts.get(0), parts.get(1), parts.get(2));
  }

  private static List<String> words(String line, String key, int count) {
    List<String> words = List.of(line.split(" ", -1));
    if (words.size() != count + 1 || !words.getFirst().equals(key)) {
      throw new IllegalArgumentException(line);
    }
    return words.subList(1, words.size());
  }
}

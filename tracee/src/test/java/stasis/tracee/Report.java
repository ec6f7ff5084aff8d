package stasis.tracee;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// What target.c says of itself in the file it shares.
final class Report implements AutoCloseable {
  static final int SPIN = 0;
  static final int SLEEP = 1;
  static final int FUTEX = 2;
  static final int EPOLL = 3;
  static final int PIPE = 4;
  static final int TIMED_FUTEX = 5;
  static final int MAIN = 6;
  static final int ROLES = 7;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment words;

  Report(Path file) throws IOException {
    if (!Files.exists(file)) {
      Files.write(file, new byte[4096]);
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      words = channel.map(FileChannel.MapMode.READ_WRITE, 0, 4096, arena);
    }
  }

  long tid(int role) {
    return word(role);
  }

  long rounds(int role) {
    return word(8 + role);
  }

  long errors(int role) {
    return word(16 + role);
  }

  long eintr(int role) {
    return word(24 + role);
  }

  long lateUs() {
    return word(32);
  }

  long signals() {
    return word(33);
  }

  boolean spinBegan() {
    return tid(SPIN) != 0 && rounds(SPIN) > 3;
  }

  boolean allBegan() {
    for (int role = 0; role < ROLES; role++) {
      if (tid(role) == 0 || rounds(role) == 0) {
        return false;
      }
    }
    return true;
  }

  /// @param storm signals are sent to it: a handler then ends nanosleep and a timed futex with EINTR in any case
  String complaints(boolean storm) {
    var text = new StringBuilder();
    for (int role = 0; role < ROLES; role++) {
      boolean needless = eintr(role) != 0 && role != EPOLL && !storm;
      if (errors(role) != 0 || needless) {
        text.append("role ").append(role).append(": ").append(errors(role)).append(" errors, ").append(eintr(role))
            .append(" EINTR; ");
      }
    }
    return text.isEmpty() ? "" : text + words.getString(34 * 8);
  }

  private long word(int index) {
    return (long) ValueLayout.JAVA_LONG.varHandle().getVolatile(words, index * 8L);
  }

  @Override
  public void close() {
    arena.close();
  }
}

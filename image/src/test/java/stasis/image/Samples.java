package stasis.image;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.Tid;

/// Records and a statefile that use every shape the format has.
final class Samples {
  private Samples() {}

  record SignalFd(@Tag(1) SigSet mask, @Tag(2) int flags) {}

  enum Trigger { LEVEL, EDGE }

  record Watch(@Tag(1) Fd fd, @Tag(2) ObjectId file, @Tag(3) long data, @Tag(4) Trigger trigger) {}

  sealed interface Origin {
    @Tag(1)
    record Path(@Tag(1) PathBytes path) implements Origin {}

    @Tag(2)
    record Anonymous() implements Origin {}

    @Tag(4)
    record Nested(@Tag(1) Origin origin) implements Origin {}
  }

  record Everything(
      @Tag(1) int small,
      @Tag(2) long large,
      @Tag(3) boolean set,
      @Tag(4) String text,
      @Tag(5) Bytes bytes,
      @Tag(6) RemoteAddress address,
      @Tag(7) Optional<Tid> tid,
      @Tag(8) List<Watch> watches,
      @Tag(9) List<Long> numbers,
      @Tag(10) List<PathBytes> paths,
      @Tag(12) Origin origin,
      @Tag(11) Optional<Watch> last,
      @Tag(13) List<Boolean> flags) {}

  record Owned(@Tag(1) ObjectId of) {}

  static final Schema<SignalFd> SIGNALFD = Schema.of(MethodHandles.lookup(), SignalFd.class, "file.signalfd", 1);
  static final Schema<Everything> EVERYTHING =
      Schema.of(MethodHandles.lookup(), Everything.class, "test.everything", 3, 14, 20);
  static final Schema<Owned> OWNED = Schema.of(MethodHandles.lookup(), Owned.class, "test.owned", 1);

  static Everything everything() {
    return new Everything(-1, Long.MIN_VALUE, true, "läuft", Bytes.hex("00ff"), new RemoteAddress(-4096),
        Optional.of(new Tid(4711)),
        List.of(new Watch(new Fd(3), new ObjectId(1), -1, Trigger.EDGE),
            new Watch(new Fd(0), new ObjectId(2), 7, Trigger.LEVEL)),
        List.of(0L, -1L, Long.MAX_VALUE), List.of(PathBytes.of("/tmp/\u00ff"), PathBytes.of("")),
        new Origin.Nested(new Origin.Path(PathBytes.of("/dev/null"))), Optional.empty(), List.of(true, false));
  }

  static StatefileHeader header() {
    return new StatefileHeader(List.of("threads", "aio"), List.of(), Arch.X86_64, 4096, "6.18.0", "b-o-o-t", "host",
        0xe7, Bytes.zeros(32), 1_700_000_000_000_000_000L, 12_345, 23_456, "0.1.0");
  }

  static List<StoredObject> objects() {
    return List.of(
        StoredObject.of(new ObjectId(1), SIGNALFD, new SignalFd(new SigSet(0x200), 0x800), Optional.empty()),
        StoredObject.of(new ObjectId(2), EVERYTHING, everything(), Optional.empty()),
        StoredObject.of(new ObjectId(3), OWNED, new Owned(new ObjectId(1)), Optional.of(new ObjectId(2))));
  }

  static List<PageMap> pageMaps() {
    return List.of(
        new PageMap(new ObjectId(1), PageRuns.of(List.of(new PageRun(0, 100, 0), new PageRun(8192, 4096, 4096)))),
        new PageMap(new ObjectId(2), PageRuns.of(List.of(new PageRun(0x7fff_0000_0000L, 1 << 20, 8192)))));
  }

  /// The same statefile every time, its lists handed over in an order that depends on the seed.
  static Statefile statefile(long seed) {
    Random random = new Random(seed);
    return new Statefile(header(),
        shuffled(List.of(EVERYTHING.descriptor(), SIGNALFD.descriptor(), OWNED.descriptor()), random),
        shuffled(objects(), random),
        List.of(new LossRow("pid 12 fd 3 /tmp/x", "file.regular", LossRow.Exactness.APPROXIMATE, "mtime differs",
            Optional.of("use --strict"))),
        shuffled(pageMaps(), random));
  }

  private static <T> List<T> shuffled(List<T> list, Random random) {
    List<T> copy = new ArrayList<>(list);
    Collections.shuffle(copy, random);
    return copy;
  }
}

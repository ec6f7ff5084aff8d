package stasis.loops;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.ObjectId;
import stasis.image.PageRun;
import stasis.image.PageRuns;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.VmaState;

/// Records to bytes of a statefile and back.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class Records {
  private static final int VMAS = 1000;
  private static final Schema<Vmas> SCHEMA = Schema.of(MethodHandles.lookup(), Vmas.class, "loops.vmas", 1);

  /// As an mm has them.
  public record Vmas(@Tag(1) List<VmaState> vmas) {}

  private final Vmas vmas = new Vmas(LongStream.range(0, VMAS).mapToObj(i -> new VmaState(
      new RemoteAddress(0x7f00_0000_0000L + i * 0x3000), 0x2000, 3, false, 0, "rd wr mr mw me ac sd", "",
      new ObjectId((int) (i / 2) + 1))).toList());
  private final Bytes encoded = SCHEMA.encode(vmas);
  private final List<PageRun> runs = LongStream.range(0, VMAS).mapToObj(i -> new PageRun(i * 0x8000, 0x4000, i * 0x4000))
      .toList();
  private final PageRuns packed = PageRuns.of(runs);

  @Benchmark
  public Bytes encode1000Vmas() {
    return SCHEMA.encode(vmas);
  }

  @Benchmark
  public Vmas decode1000Vmas() throws DecodeException {
    return SCHEMA.decode(encoded, Limits.DEFAULT);
  }

  @Benchmark
  public PageRuns pack1000Runs() {
    return PageRuns.of(runs);
  }

  /// One after the other, as a fill reads them.
  @Benchmark
  public long walk1000Runs() {
    long bytes = 0;
    for (PageRuns.Cursor cursor = packed.cursor(); cursor.hasNext();) {
      bytes += cursor.next().lengthBytes();
    }
    return bytes;
  }
}

package stasis.loops;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import stasis.procfs.Maps;
import stasis.procfs.Stat;
import stasis.procfs.Status;

/// Text of /proc to records: what a freeze does for each task, and for each vma.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class ProcText {
  private static final int VMAS = 1000;
  private final byte[] maps = maps();
  private final String status = Own.text("status");
  private final String stat = Own.text("stat");

  /// Every second one of a file.
  private static byte[] maps() {
    var text = new StringBuilder();
    for (long i = 0; i < VMAS; i++) {
      long start = 0x7f00_0000_0000L + i * 0x3000;
      text.append("%x-%x rw-p 00000000 %s%n".formatted(start, start + 0x2000, i % 2 == 0 ? "00:00 0"
          : "fe:00 1234567                    /usr/lib/x86_64-linux-gnu/libc.so.6"));
    }
    return text.toString().getBytes(StandardCharsets.ISO_8859_1);
  }

  /// `/proc/PID/maps` of 1,000 vmas.
  @Benchmark
  public Maps maps1000() {
    return Maps.parse(maps);
  }

  @Benchmark
  public Status status() {
    return Status.parse(status);
  }

  @Benchmark
  public Stat stat() {
    return Stat.parse(stat);
  }
}

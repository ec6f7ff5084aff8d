package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.RestoreOutcome;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Uffd;
import stasis.linux.sys.Syscalls;
import stasis.repository.ImageStore;
import stasis.testkit.Victim;

/// Memory that is put in by the engine's own threads, in stretches of 16 MiB and more.
class LargeFillTest {
  @TempDir private Path work;

  @Test
  void memoryOfEverySortComesBackAsItWas() {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.program("large_memory"));
      victim.awaitReady("filled", Cycle.BOUND);
      cycle.carry(victim);
      cycle.carry(victim);
      assertThat(smaps(victim)).noneMatch(line -> line.startsWith("VmFlags:") && line.contains(" um"));
      victim.go("filled");
      assertThat(victim.verdict(Cycle.BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  @Test
  void whereUserfaultfdIsRefusedMemoryComesBackAllTheSame() {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.program("large_memory"));
      victim.awaitReady("filled", Cycle.BOUND);
      var refusals = new AtomicInteger();
      Syscalls.through((number, args) -> {
        if (number == Nr.IOCTL.on(Syscalls.HOST) && args[1] == Uffd.IOCTL_REGISTER) {
          refusals.incrementAndGet();
          return -Errno.EPERM.number();
        }
        return Syscalls.kernel(number, args);
      }, () -> {
        cycle.carry(victim);
        return true;
      });
      assertThat(refusals).hasPositiveValue();
      victim.go("filled");
      assertThat(victim.verdict(Cycle.BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  /// Pages are put in before the last of them is checked; the program does not run before.
  @Test
  void aPageThatRottedIsFoundBeforeAnythingRunsAndNothingIsLeft() throws IOException {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Path image = cycle.newImage();
      Victim victim = cycle.start(victims.program("large_memory"));
      victim.awaitReady("filled", Cycle.BOUND);
      cycle.stored(victim, image, false);
      cycle.bury(victim);
      Set<Long> children = Ground.children();
      try (FileChannel file = FileChannel.open(image.resolve(ImageStore.STATEFILE), StandardOpenOption.WRITE)) {
        file.write(ByteBuffer.wrap("rotten".getBytes(StandardCharsets.US_ASCII)), file.size() / 2);
      }
      RestoreOutcome outcome = cycle.restore(image, _ -> { });
      assertThat(outcome).as(Cycle.text(outcome)).isInstanceOfSatisfying(RestoreOutcome.Failed.class,
          failed -> assertThat(failed.reason()).contains("damaged pages"));
      Ground.onlyTasks(cycle, Set.of());
      Ground.noNewChildren(children);
    }
  }

  private static List<String> smaps(Victim victim) {
    try {
      return Files.readAllLines(Path.of("/proc/" + victim.pid() + "/smaps"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.SparseBytes;
import stasis.resource.CpuState;
import stasis.resource.FilesState;
import stasis.resource.Host;
import stasis.resource.MmState;
import stasis.resource.TaskState;
import stasis.resource.VmaState;

/// Trees of one task with two fds, whose ids may be anything.
class CaptureComparisonTest {
  /// Not asked: the trees have no kinds.
  private static final Host NOBODY = (Host) Proxy.newProxyInstance(Host.class.getClassLoader(),
      new Class<?>[] {Host.class}, (_, method, _) -> {
        throw new AssertionError(method + " was asked");
      });

  private static Capture tree(int firstId, int pid, long at, boolean sameFile, String registers) {
    ObjectId task = new ObjectId(firstId);
    ObjectId mm = new ObjectId(firstId + 1);
    ObjectId files = new ObjectId(firstId + 2);
    ObjectId backing = new ObjectId(firstId + 3);
    ObjectId one = new ObjectId(firstId + 4);
    ObjectId two = sameFile ? one : new ObjectId(firstId + 5);
    return new Capture(
        new TreeMap<>(Map.of(task, new TaskState(List.of(pid), task, task, mm, files, pid, 1, 17, "x", 0, false))),
        new TreeMap<>(Map.of(mm, MmState.alone(List.of(new VmaState(new RemoteAddress(at), 4096, 3, false, 0, "rd",
            "", backing)), List.of()))),
        new TreeMap<>(Map.of(files, new FilesState(List.of(new FilesState.Entry(new Fd(3), false, one),
            new FilesState.Entry(new Fd(4), false, two))))),
        new TreeMap<>(),
        new TreeMap<>(Map.of(task, new CpuState(Bytes.hex(registers),
            SparseBytes.of(Bytes.EMPTY), new SigSet(0), Optional.empty(),
            Optional.empty(), Optional.empty()))),
        new TreeMap<>());
  }

  private static List<String> differences(Capture image, Capture copy) {
    return new CaptureComparison(ProvablePart.of(image), copy, NOBODY).differences().stream()
        .map(CaptureComparison.Difference::text).toList();
  }

  @Test
  void otherIdsAreNoDifference() {
    assertThat(differences(tree(1, 4711, 4096, false, "00"), tree(40, 4711, 4096, false, "00"))).isEmpty();
    assertThat(differences(tree(1, 4711, 4096, true, "00"), tree(40, 4711, 4096, true, "00"))).isEmpty();
  }

  @Test
  void everyFieldIsCompared() {
    assertThat(differences(tree(1, 4711, 4096, false, "00"), tree(1, 4711, 8192, false, "00")))
        .singleElement().asString().contains("task 4711", "core.mm", "start");
    assertThat(differences(tree(1, 4711, 4096, false, "00"), tree(1, 4711, 4096, false, "01")))
        .singleElement().asString().contains("task 4711 registers", "general");
  }

  @Test
  void whatIsSharedMustBeShared() {
    assertThat(differences(tree(1, 4711, 4096, true, "00"), tree(1, 4711, 4096, false, "00")))
        .singleElement().asString().contains("one object in the image is two in the copy");
    assertThat(differences(tree(1, 4711, 4096, false, "00"), tree(1, 4711, 4096, true, "00")))
        .singleElement().asString().contains("two objects in the image is one in the copy");
  }

  @Test
  void aTaskOfAnotherPidIsAnother() {
    assertThat(differences(tree(1, 4711, 4096, false, "00"), tree(1, 4712, 4096, false, "00")))
        .contains("task 4711: it is not in the copy", "task 4712: it is in the copy only");
  }
}

package stasis.engine;

import java.util.List;
import java.util.Optional;
import stasis.resource.CpuState;
import stasis.resource.MmState;
import stasis.resource.TaskState;
import stasis.resource.ZombieState;

/// What of tasks and memory may differ between an image and a copy that is held before it runs, put as it was.
final class CoreAgreement {
  private CoreAgreement() {}

  /// A session or group that no task of the tree leads is another's: the copy is in its restorer's.
  static TaskState task(TaskState stored, TaskState found, Capture image) {
    return new TaskState(List.of(found.ownPid()).equals(List.of(stored.ownPid())) ? stored.pids() : found.pids(),
        found.leader(), found.parent(), found.mm(), found.files(),
        led(image, stored.processGroup()) ? found.processGroup() : stored.processGroup(),
        led(image, stored.session()) ? found.session() : stored.session(), found.exitSignal(), found.comm(),
        found.stopSignal(), found.stopTold(), found.fs(), found.handlers(), found.ended());
  }

  static ZombieState zombie(ZombieState stored, ZombieState found, Capture image) {
    return new ZombieState(found.ownPid() == stored.ownPid() ? stored.pids() : found.pids(), found.parent(),
        led(image, stored.processGroup()) ? found.processGroup() : stored.processGroup(),
        led(image, stored.session()) ? found.session() : stored.session(), found.exitSignal(), found.status(),
        found.uid(), found.comm(), found.blocked(), found.ignored());
  }

  private static boolean led(Capture image, int number) {
    return image.tasks().values().stream().anyMatch(task -> task.ownPid() == number)
        || image.zombies().values().stream().anyMatch(zombie -> zombie.ownPid() == number);
  }

  /// Which pages are shared is seen by their contents, which are compared whoever has them; which lie in huge pages is
  /// the kernel's choice of the moment.
  static MmState mm(MmState mm) {
    return MmState.alone(mm.vmas(), mm.attachments());
  }

  /// A timed wait is begun again at the release only, which a held copy does not come to.
  static CpuState cpu(CpuState stored, CpuState found) {
    return new CpuState(found.general(), found.extended(), found.mask(), found.rseqArea(), found.rseqCs(),
        stored.sleep().isPresent() ? stored.sleep() : Optional.empty());
  }
}

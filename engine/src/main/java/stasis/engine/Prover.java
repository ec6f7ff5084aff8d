package stasis.engine;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import stasis.image.Certificate;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.ObjectId;
import stasis.image.Statefile;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.procfs.ProcException;
import stasis.repository.ImageException;
import stasis.resource.KindSet;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Program;
import stasis.resource.TaskState;
import stasis.resource.ZombieState;
import stasis.tracee.FrozenTree;
import stasis.tracee.Ptrace;
import stasis.tracee.TracerThread;

/// Makes a copy of an image's tree in the namespaces this process was started in, never runs it, describes it as a
/// checkpoint would, and compares. Its process ends afterwards, and the copy with it.
public final class Prover {
  /// Descriptors this process is handed.
  static final int ORDER = 3;
  static final int PAGES = 4;
  static final int ANSWER = 5;
  static final int LIFE = 6;

  private final KindSet kinds;
  private final Environment environment;
  private final ProofOrder order;

  private Prover(KindSet kinds, Environment environment, ProofOrder order) {
    this.kinds = kinds;
    this.environment = environment;
    this.order = order;
  }

  /// The whole life of the process.
  ///
  /// @param kinds as a restore has them
  public static void live(KindSet kinds) throws IOException {
    Handover.endWith(LIFE);
    ProofAnswer answer;
    try {
      ProofGround.bind();
      ProofGround.furnish();
      ProofOrder order = ProofOrder.SCHEMA.decode(Handover.read(ORDER), Limits.DEFAULT);
      ProofGround.apply(order.settings());
      Prover prover = new Prover(kinds, LiveEnvironment.of(order.engineVersion()), order);
      try (TracerThread tracer = new TracerThread()) {
        answer = tracer.call(prover::answer);
      }
    } catch (SyscallException | DecodeException e) {
      answer = ProofAnswer.of(List.of(String.valueOf(e.getMessage())));
    } catch (RuntimeException | AssertionError e) {
      // A copy that makes us stumble is none.
      answer = ProofAnswer.of(List.of("the copy cannot be described: " + e + " at " + List.of(e.getStackTrace())
          .stream().findFirst().map(StackTraceElement::toString).orElse("")));
    }
    Handover.write(ANSWER, ProofAnswer.SCHEMA.encode(answer));
  }

  private ProofAnswer answer(Ptrace ptrace) {
    try (ProofImage image = new ProofImage(Path.of("/proc/self/fd/" + PAGES), order)) {
      return prove(ptrace, image);
    } catch (ObstructedException e) {
      return ProofAnswer.of(List.of("the copy cannot be described: " + e.obstacle().text()));
    } catch (SyscallException | DecodeException | ImageException | ProcException | StepFailedException
        | IOException e) {
      return ProofAnswer.of(List.of("no copy can be made of it: " + e.getMessage()));
    }
  }

  private ProofAnswer prove(Ptrace ptrace, ProofImage image) throws SyscallException, DecodeException, ImageException,
      ProcException, StepFailedException, IOException, ObstructedException {
    long beganNs = environment.monotonicNs().getAsLong();
    Statefile statefile = Statefile.decode(image.metadata(), image.pageBytes(), Limits.DEFAULT);
    Capture whole = new Loader(kinds).load(statefile);
    ProvablePart part = ProvablePart.of(whole);
    ProofGround.leaveRoom(Stream.concat(whole.tasks().values().stream().map(TaskState::ownPid),
        whole.zombies().values().stream().map(ZombieState::ownPid)).toList());
    LiveHost host = LiveHost.look(environment.proc(), Rehearsal.look(ptrace, LiveHost.ownVdso(environment.proc())));
    Plan plan = new Planner(kinds).plan(part.capture(), new HostAtFreeze(host, order.facts()));
    if (plan instanceof Plan.Obstructed(var obstacles)) {
      return ProofAnswer.of(obstacles.stream().map(Obstacle::text).toList());
    }
    Program program = ((Plan.Runnable) plan).program();
    ImageSource source = new ImageSource(image, statefile);
    Executor executor = new Executor(ptrace, environment.proc(), LargeFills.of(program, part.capture(), source),
        new PlainBirths(ptrace, Optional.empty(), Stead.own()), _ -> { }, environment.monotonicNs(), Optional.empty());
    try (RestoredTree tree = executor.execute(program)) {
      FrozenTree held = tree.hold(order(whole), whole);
      return compared(ptrace, image, statefile, part, held, host, beganNs);
    }
  }

  /// As the image has them: what several share is told of one of them by this order.
  private static List<Tid> order(Capture whole) {
    return Stream.concat(whole.leaders().stream().map(leader -> leader.getValue().ownPid()),
        whole.zombies().values().stream().map(ZombieState::ownPid)).map(Tid::new).toList();
  }

  private ProofAnswer compared(Ptrace ptrace, ProofImage image, Statefile statefile, ProvablePart part,
      FrozenTree held, LiveHost host, long beganNs) throws SyscallException, DecodeException, ImageException,
      ObstructedException, IOException {
    try (HiddenKernel kernel = HiddenKernel.open(ptrace)) {
      Answering answering = Answering.open(environment, held.root().leader(), kernel, false);
      Phases phases = new Phases(environment.monotonicNs());
      phases.enter("prove");
      Collected collected = new Collector(kinds, environment.proc(),
          answering.of(held, ptrace, environment.monotonicNs()), host, phases).collect();
      return switch (collected) {
        case Collected.Obstructed(var obstacles, var _) -> ProofAnswer.of(obstacles.stream()
            .map(obstacle -> "the copy cannot be described: " + obstacle.text()).toList());
        case Collected.Complete copy -> {
          try (copy; Contents contents = Contents.inPlace(copy)) {
            Contents.Found found = contents.pages(copy.capture(), phases);
            yield compared(image, statefile, part, copy, found, host, beganNs);
          }
        }
      };
    }
  }

  private ProofAnswer compared(ProofImage image, Statefile statefile, ProvablePart part, Collected.Complete copy,
      Contents.Found found, LiveHost host, long beganNs) throws SyscallException, DecodeException, ImageException,
      ObstructedException, IOException {
    CaptureComparison objects = new CaptureComparison(part, Settling.of(found.capture(), host), host);
    var differences = new ArrayList<>(objects.differences());
    Subjects subjects = new Subjects(part.capture());
    Map<ObjectId, ObjectId> pairs = objects.pairs();
    try (ImageMemory memory = ImageMemory.open(image, statefile);
        ContentComparison contents = new ContentComparison(memory, image, copy, pairs, subjects)) {
      differences.addAll(contents.differences(found.store()));
      if (!differences.isEmpty()) {
        return ProofAnswer.of(differences.stream().map(CaptureComparison.Difference::text).toList());
      }
      Certificate certificate = new Certificate(environment.engineVersion(), environment.kernelRelease(), cpuModel(),
          environment.realtimeNs().getAsLong(), environment.monotonicNs().getAsLong() - beganNs,
          Certificate.digest(order.metadata()), part.capture().tasks().size() + part.capture().zombies().size(),
          objects.counts(), contents.bytes(), contents.sha256Bytes(), part.unproven());
      return new ProofAnswer(Optional.of(certificate.encode()), List.of());
    }
  }

  /// `model name` of /proc/cpuinfo; where the kernel tells none, the architecture.
  private static String cpuModel() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"), StandardCharsets.ISO_8859_1)) {
      return lines.filter(line -> line.startsWith("model name")).map(line -> line.substring(line.indexOf(':') + 1)
          .strip()).findFirst().orElse(stasis.linux.sys.Syscalls.HOST.toString());
    }
  }
}

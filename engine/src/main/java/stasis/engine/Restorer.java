package stasis.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.Statefile;
import stasis.linux.abi.SyscallException;
import stasis.procfs.ProcException;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;
import stasis.resource.FileKind;
import stasis.resource.Host;
import stasis.resource.KindSet;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OwnCall;
import stasis.resource.Program;
import stasis.resource.Step;
import stasis.resource.TaskState;
import stasis.resource.ZombieState;
import stasis.tracee.Deadline;
import stasis.tracee.Ptrace;
import stasis.tracee.TracerThread;
import stasis.tracee.stub.PidHolder;
import stasis.tracee.stub.TimeOffsets;

/// Reads a statefile, plans, executes and lets the tree go. Nothing runs before all of it is in place; what fails
/// leaves
/// nothing behind.
public final class Restorer {
  private static final Duration PID_FREE_WITHIN = Duration.ofSeconds(5);
  private static final int PAGE_CHECKERS = 4;
  /// How often a restore is begun anew whose pids went to others.
  private static final int TRIES = 4;
  /// Any of these in the right user namespace lets who has it choose pids.
  static final Set<String> CHOOSING = Set.of("CAP_SYS_ADMIN", "CAP_CHECKPOINT_RESTORE");
  /// What helps against a number that is taken.
  static final String BESIDE = "end it, or restore beside it with --new-pid-namespace";

  private final KindSet kinds;
  private final Environment environment;
  private final Practice practice;

  public Restorer(KindSet kinds, Environment environment) {
    this(kinds, environment, Practice.none());
  }

  /// Of an engine that stays.
  public Restorer(KindSet kinds, Environment environment, Practice practice) {
    this.kinds = kinds;
    this.environment = environment;
    this.practice = practice;
  }

  /// Runs a restore until the tree runs.
  public RestoreOutcome restore(RestoreRequest request, Moment.Listener listener) {
    try (TracerThread tracer = new TracerThread()) {
      return tracer.call(ptrace -> onTracer(ptrace, request, listener));
    }
  }

  private RestoreOutcome onTracer(Ptrace ptrace, RestoreRequest request, Moment.Listener listener) {
    try {
      ImageReader reader = request.origin().open();
      boolean stays = false;
      try {
        RestoreOutcome outcome = new Run(ptrace, request, listener, reader).run();
        stays = outcome instanceof RestoreOutcome.Running running && running.late().isPresent();
        return outcome;
      } finally {
        if (!stays) {
          reader.close();
        }
      }
    } catch (CancelledException e) {
      return new RestoreOutcome.Cancelled();
    } catch (ImageException e) {
      return e.reason() == ImageException.Reason.TOO_NEW || e.reason() == ImageException.Reason.UNTRUSTED
          ? new RestoreOutcome.Refused(List.of(new Obstacle.Unsupported("image", e.getMessage(), "")))
          : new RestoreOutcome.Failed(e.getMessage());
    } catch (SyscallException | ProcException | DecodeException | StepFailedException e) {
      return new RestoreOutcome.Failed(String.valueOf(e.getMessage()));
    }
  }

  /// Whether numbers can be chosen without a namespace of one's own.
  static boolean isPlain(Host host) {
    return CHOOSING.stream().anyMatch(host.capabilities()::contains);
  }

  /// @param holder who it is, for people
  static Obstacle taken(int pid, String holder, String remedy) {
    return new Obstacle.Unsupported("pid " + pid, "it is taken by " + holder, remedy);
  }

  /// One restore: the phases in order.
  private final class Run {
    private final Ptrace ptrace;
    private final RestoreRequest request;
    private final Moment.Listener listener;
    private final ImageReader reader;
    private final Phases phases = new Phases(environment.monotonicNs());
    private final long startNs = environment.monotonicNs().getAsLong();
    private List<String> filesTold = List.of();
    private boolean releasing;

    Run(Ptrace ptrace, RestoreRequest request, Moment.Listener listener, ImageReader reader) {
      this.ptrace = ptrace;
      this.request = request;
      this.listener = listener;
      this.reader = reader;
    }

    RestoreOutcome run() throws SyscallException, ImageException, ProcException, DecodeException, StepFailedException {
      phases.enter("load");
      Statefile statefile = Statefile.decode(reader.metadata(), reader.pageBytes(), Limits.DEFAULT);
      List<Obstacle> unwanted = request.acceptance().obstacles(statefile);
      if (!unwanted.isEmpty()) {
        return new RestoreOutcome.Refused(unwanted);
      }
      Capture loaded = new Loader(kinds).load(statefile);
      // Pages that come one by one make no huge pages.
      Capture capture = request.lazily().isPresent() ? loaded.inSmallPages() : loaded;
      if (request.stead().isPresent() && !request.dryRun() && !leadsItsSession(capture)) {
        return new RestoreOutcome.NotInStead("its session is the restorer's");
      }
      phases.enter("plan");
      LiveHost host = LiveHost.look(environment.proc(), practice.look(ptrace, environment.proc()),
          request.place());
      Optional<TimeOffsets> clocks = ProgramClocks.needed(statefile.header(), environment);
      List<Obstacle> behind = clocks.isPresent() ? ProgramClocks.obstacles(host) : List.of();
      if (!behind.isEmpty()) {
        return new RestoreOutcome.Refused(behind);
      }
      try (EmbeddedFiles files = EmbeddedFiles.of(statefile, reader)) {
        return planned(capture, host, statefile, clocks, files);
      }
    }

    private RestoreOutcome planned(Capture capture, LiveHost host, Statefile statefile, Optional<TimeOffsets> clocks,
        EmbeddedFiles files)
        throws SyscallException, ImageException, ProcException, StepFailedException {
      EmbeddedFiles.Compared compared = files.compare(host);
      return switch (compared.plan(kinds, capture, request.files())) {
        case Plan.Obstructed(var obstacles) -> new RestoreOutcome.Refused(obstacles);
        case Plan.Runnable(var program) when request.dryRun() ->
            new RestoreOutcome.Planned(program, statefile.losses());
        case Plan.Runnable(var program) -> {
          if (request.stead().isPresent() && !isPlain(host) && !host.takesOver()) {
            yield new RestoreOutcome.NotInStead("it is born in namespaces that end with the restorer");
          }
          var inTheWay = new ArrayList<>(RecordedPath.obstacles(program));
          inTheWay.addAll(inTheWay(capture, host));
          if (!inTheWay.isEmpty()) {
            yield new RestoreOutcome.Refused(inTheWay);
          }
          yield compared.differences().isEmpty() ? made(program, capture, host, statefile, clocks)
              : withFiles(capture, host, statefile, clocks, compared);
        }
      };
    }

    private static boolean leadsItsSession(Capture capture) {
      TaskState root = capture.root().getValue();
      return root.session() == root.pids().getFirst();
    }

    /// Puts files back first, and takes that back where the program does not come to run.
    private RestoreOutcome withFiles(Capture capture, LiveHost before, Statefile statefile,
        Optional<TimeOffsets> clocks, EmbeddedFiles.Compared compared)
        throws SyscallException, ImageException, ProcException, StepFailedException {
      phases.enter("files");
      if (reader.isGuarded()) {
        reader.verifyPages(PAGE_CHECKERS);
      }
      try (PutBack files = new PutBack(compared.files())) {
        try {
          files.run(compared.differences(), listener);
          LiveHost host = LiveHost.look(environment.proc(), before.learnt(), before.place());
          filesTold = files.told();
          return switch (compared.files().compare(host).plan(kinds, capture, FilePolicy.REFUSE)) {
            case Plan.Obstructed(var obstacles) -> new RestoreOutcome.Refused(obstacles);
            case Plan.Runnable(var program) -> made(program, capture, host, statefile, clocks);
          };
        } catch (ObstructedException e) {
          return new RestoreOutcome.Refused(List.of(e.obstacle()));
        } finally {
          if (releasing) {
            files.keep();
          }
        }
      }
    }

    private RestoreOutcome made(Program program, Capture capture, LiveHost host, Statefile statefile,
        Optional<TimeOffsets> clocks)
        throws SyscallException, ImageException, ProcException, StepFailedException {
      phases.enter("load");
      ImageSource source = new ImageSource(reader, statefile);
      Set<Step.Fill> late = request.lazily().isPresent() ? LateFills.of(program, capture, source) : Set.of();
      if (request.lazily().isPresent() && !mayBeLate(host)) {
        return new RestoreOutcome.Refused(List.of(new Obstacle.Unsupported("lazy restore",
            "without CAP_SYS_PTRACE the kernel does not tell of fork(2): a child would read zeros",
            "restore without --lazy, or with CAP_SYS_PTRACE")));
      }
      LargeFills large = LargeFills.of(program, capture, source);
      // A page that rotted on its device must not become a wrong program.
      if (reader.isGuarded()) {
        reader.verifyPages(PAGE_CHECKERS);
      }
      try (Phases.Stretch _ = phases.part("lay out")) {
        reader.layOut(PAGE_CHECKERS, large.taken(program, step -> late.contains(step) || large.takes(step)));
      }
      if (late.isEmpty()) {
        return repeatedly(program, capture, large, host, statefile, clocks);
      }
      TouchOrder order = request.lazily().flatMap(RestoreRequest.Lazily::order).map(TouchOrder::read)
          .orElse(TouchOrder.NONE);
      // Closing it does nothing once the tree runs.
      try (PageServer server = late(order)) {
        return executed(program, capture, large, births(host, clocks),
            Optional.of(new LateFills(source, server, late)), Optional.of(server), statefile, clocks);
      }
    }

    private PageServer late(TouchOrder order) throws SyscallException, ImageException {
      try (Phases.Stretch _ = phases.part("guard")) {
        return PageServer.start(reader.pages(), order, environment.monotonicNs(), practice);
      }
    }

    /// Of one that failed nothing is left.
    private RestoreOutcome repeatedly(Program program, Capture capture, LargeFills large, LiveHost host,
        Statefile statefile, Optional<TimeOffsets> clocks)
        throws SyscallException, ImageException, ProcException, StepFailedException {
      for (int tries = 1;; tries++) {
        try {
          return executed(program, capture, large, births(host, clocks), Optional.empty(), Optional.empty(),
              statefile, clocks);
        } catch (StepFailedException e) {
          if (!e.isWorthAnother() || tries == TRIES) {
            throw e;
          }
        }
      }
    }

    private RestoreOutcome executed(Program program, Capture capture, LargeFills large, Births births,
        Optional<LateFills> late, Optional<PageServer> server, Statefile statefile, Optional<TimeOffsets> clocks)
        throws SyscallException, ImageException, ProcException, StepFailedException {
      phases.enter("execute");
      Executor executor = new Executor(ptrace, environment.proc(), large, births, listener,
          environment.monotonicNs(), late);
      try (RestoredTree tree = executor.execute(program)) {
        phases.enter("release");
        if (server.isPresent()) {
          server.get().guard(tree.pids(capture.leaders().stream().map(Map.Entry::getKey).toList()));
        }
        releasing = true;
        tree.release(capture);
        server.ifPresent(PageServer::run);
        afterwards(capture);
        phases.end();
        listener.at(new Moment.Released());
        return running(tree, capture, statefile, clocks, server.map(serving -> new LateFill(serving, reader,
            request.lazily().flatMap(RestoreRequest.Lazily::order))));
      }
    }

    private static boolean mayBeLate(LiveHost host) {
      return isPlain(host) && host.capabilities().contains("CAP_SYS_PTRACE");
    }

    /// The numbers of the tree that others have, all at once and before anything is made. A number that is taken later
    /// makes the restore fail.
    private List<Obstacle> inTheWay(Capture capture, LiveHost host) {
      if (host.place() == Place.OWN_NAMESPACE || !isPlain(host) && !host.takesOver()) {
        return List.of();
      }
      List<Integer> pids = Stream.concat(capture.tasks().values().stream().map(TaskState::ownPid),
          capture.zombies().values().stream().map(ZombieState::ownPid)).toList();
      var obstacles = new ArrayList<>(taken(pids));
      if (host.takesOver()) {
        obstacles.addAll(new TakeOvers(kinds, capture).here(pids, host.place() == Place.HERE));
      }
      return obstacles;
    }

    private static List<Obstacle> taken(List<Integer> pids) {
      return PidHolder.awaitAll(pids, Deadline.after(PID_FREE_WITHIN)).stream().map(holder -> Restorer.taken(
          holder.pid(), holder.describe(),
          holder.leaving() ? "have its parent reap it, or end that parent" : BESIDE)).toList();
    }

    private static void afterwards(Capture capture) {
      Set<List<OwnCall>> calls = new LinkedHashSet<>();
      capture.items().values().forEach(item -> calls.add(afterwards(item)));
      calls.forEach(OwnCopy::makeOwn);
    }

    private static <S extends Record> List<OwnCall> afterwards(Capture.Item<S> item) {
      return item.kind() instanceof FileKind<S> kind ? kind.afterwards(item.state()) : List.of();
    }

    /// Pids may be chosen with a capability, or in namespaces of one's own, or waited for.
    private Births births(LiveHost host, Optional<TimeOffsets> clocks) {
      if (host.takesOver()) {
        return new CountedBirths(ptrace, request.stead().orElseGet(Stead::own), listener);
      }
      return isPlain(host) && host.place() != Place.OWN_NAMESPACE
          ? new PlainBirths(ptrace, clocks, request.stead().orElseGet(Stead::own))
          : new NamespaceBirths(ptrace, clocks, !host.capabilities().contains("CAP_SYS_ADMIN"));
    }

    private RestoreOutcome running(RestoredTree tree, Capture capture, Statefile statefile,
        Optional<TimeOffsets> clocks, Optional<LateFill> late) {
      var losses = new ArrayList<>(statefile.losses());
      clocks.map(ProgramClocks::told).ifPresent(losses::add);
      losses.addAll(tree.told());
      int pid = capture.root().getValue().ownPid();
      return new RestoreOutcome.Running(tree.root(), tree.waitable(), pid, new RestoreOutcome.RestoreReport(
          environment.monotonicNs().getAsLong() - startNs, reader.fileBytes(), reader.pageBytes(),
          capture.leaders().size(), capture.tasks().size(), phases.elapsedNs(), List.copyOf(losses),
          filesTold, phases.spans()), late);
    }
  }
}

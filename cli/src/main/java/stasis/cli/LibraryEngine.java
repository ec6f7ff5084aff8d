package stasis.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.concurrent.atomic.AtomicBoolean;
import stasis.engine.CancelledException;
import stasis.engine.Acceptance;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointReport;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.EmbedOrder;
import stasis.engine.Explanation;
import stasis.engine.FilePolicy;
import stasis.engine.HostReport;
import stasis.engine.Judgement;
import stasis.engine.LiveEnvironment;
import stasis.engine.Moment;
import stasis.engine.Place;
import stasis.engine.Practice;
import stasis.engine.RestoreOutcome;
import stasis.engine.RestoreOutcome.RestoreReport;
import stasis.engine.RestoreRequest;
import stasis.engine.RestoredProgram;
import stasis.engine.Restorer;
import stasis.engine.TrackReport;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.LossRow;
import stasis.image.LossRow.Exactness;
import stasis.image.Statefile;
import stasis.kinds.AddressMap;
import stasis.kinds.Kinds;
import stasis.kinds.Outside;
import stasis.kinds.TcpPeers;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.procfs.ProcException;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;
import stasis.resource.KindSet;
import stasis.resource.Obstacle;

/// The verbs on `stasis.engine`.
final class LibraryEngine implements Engine {
  private final String version;
  private final Practice practice;
  private final Optional<Served> served;

  /// @param version written into images
  LibraryEngine(String version) {
    this(version, Practice.none(), Optional.empty());
  }

  /// @param practice of this process @param served for whom it works, unless for itself
  LibraryEngine(String version, Practice practice, Optional<Served> served) {
    this.version = version;
    this.practice = practice;
    this.served = served;
  }

  @Override
  public Outcome<Checkpointed> checkpoint(CheckpointOrder order, Watcher watcher) {
    CheckpointRequest plain = new CheckpointRequest(order.root(),
        order.redaction().applied(order.image().destination(order.force())),
        order.leaveRunning(), order.strict(), order.maxFreezeNs().map(Duration::ofNanos), order.track(),
        order.preCopyRounds(), order.embed(), order.deadline());
    CheckpointRequest request = order.proved() ? plain.proved(ProofMain.command()) : plain;
    served.ifPresent(Served::begun);
    return guarded(() -> switch (checkpointer(order.outside()).checkpoint(request, listener(watcher))) {
      case CheckpointOutcome.Stored(CheckpointReport report) -> done(report, order);
      case CheckpointOutcome.Refused(List<Obstacle> obstacles, _) -> new Outcome.Refused<>(rows(obstacles));
      case CheckpointOutcome.Failed(String reason) -> new Outcome.Failed<>(reason);
      case CheckpointOutcome.Cancelled _ -> new Outcome.Cancelled<>();
    });
  }

  private Outcome<Checkpointed> done(CheckpointReport report, CheckpointOrder order) {
    // It ends with the program, and a resident engine does not end before it.
    served.ifPresent(caller -> report.tracked().flatMap(TrackReport::holder).ifPresent(caller::adopt));
    return new Outcome.Done<>(new Checkpointed(report.image(),
          report.frozenNs(), new Figures(report.totalNs(), report.imageBytes(), report.pageBytes(), report.tasks(),
              report.threads(),
              ordered(report.phases()), with(report.losses(), order.redaction().told()), report.warnings(),
              report.spans()),
          report.tracked(), report.preCopied(), report.embedded(), report.deadline()));
  }

  @Override
  public Outcome<Restored> restore(RestoreOrder order, Watcher watcher) {
    RestoreRequest request = new RestoreRequest(order.image().origin(), false, acceptance(order.image(), order.files()),
        order.lazily(), order.place(), order.files(), served.map(Served::stead));
    Moment.Listener listener = beginning(committing(order.image(), listener(watcher)));
    return guarded(() -> {
      RestoreOutcome outcome = restorer(order.tcpEstablished() ? TcpPeers.KEEP : TcpPeers.REFUSE, order.addresses())
          .restore(request, listener);
      if (order.detached() && outcome instanceof RestoreOutcome.Running running) {
        served.ifPresent(caller -> caller.adopt(running.waitable()));
      }
      return restored(outcome);
    });
  }

  private Moment.Listener beginning(Moment.Listener listener) {
    if (served.isEmpty()) {
      return listener;
    }
    AtomicBoolean said = new AtomicBoolean();
    return moment -> {
      if (!said.getAndSet(true)) {
        served.get().begun();
      }
      listener.at(moment);
    };
  }

  private static List<LossRow> with(List<LossRow> rows, List<LossRow> more) {
    List<LossRow> all = new ArrayList<>(rows);
    all.addAll(more);
    return all;
  }

  private static Acceptance acceptance(ImageAt image, FilePolicy files) {
    return Strangers.of(image.files(), image.guard(), files);
  }

  private static Outcome<Restored> restored(RestoreOutcome outcome) {
    return switch (outcome) {
      case RestoreOutcome.Running(Tid root, Tid waitable, int pid, RestoreReport report, var late) ->
          new Outcome.Done<>(new Restored(report.restoreNs(), new Figures(report.restoreNs(), report.imageBytes(),
              report.pageBytes(), report.tasks(), report.threads(), ordered(report.phases()),
              report.losses(), report.files(), report.spans()),
              new Program(root, new Tid(pid), new RestoredProgram(root, waitable)), late));
      case RestoreOutcome.NotInStead(String reason) -> throw new NotServedException(reason);
      case RestoreOutcome.Planned _ -> throw new AssertionError("a plan, where a restore was asked for");
      case RestoreOutcome.Refused(List<Obstacle> obstacles) -> new Outcome.Refused<>(rows(obstacles));
      case RestoreOutcome.Failed(String reason) -> new Outcome.Failed<>(reason);
      case RestoreOutcome.Cancelled _ -> new Outcome.Cancelled<>();
    };
  }

  @Override
  public Outcome<String> plan(ImageAt image, AddressMap addresses, Place place, FilePolicy files,
      Watcher watcher) {
    RestoreRequest request = new RestoreRequest(image.origin(), true, acceptance(image, files), Optional.empty(),
        place, files);
    return guarded(() -> switch (restorer(TcpPeers.KEEP, addresses).restore(request, listener(watcher))) {
      case RestoreOutcome.Planned(var program, _) -> new Outcome.Done<>(program.explain());
      case RestoreOutcome.Refused(List<Obstacle> obstacles) -> new Outcome.Refused<>(rows(obstacles));
      case RestoreOutcome.Failed(String reason) -> new Outcome.Failed<>(reason);
      case RestoreOutcome.Cancelled _ -> new Outcome.Cancelled<>();
      case RestoreOutcome.Running _, RestoreOutcome.NotInStead _ ->
          throw new AssertionError("a dry run that does more");
    });
  }

  @Override
  public Outcome<Judged> canRestore(ImageAt image, Optional<HostReport> host, Place place, FilePolicy files,
      Watcher watcher) {
    return guarded(() -> {
      try (ImageReader reader = image.origin().open()) {
        Statefile statefile = Statefile.decode(reader.metadata(), reader.pageBytes(), Limits.DEFAULT);
        KindSet kinds = Kinds.all(TcpPeers.KEEP);
        List<Obstacle> unwanted = host.isPresent() ? List.of() : acceptance(image, files).obstacles(statefile);
        Judgement judgement = host.isPresent() ? Judgement.there(kinds, host.get(), statefile, reader, files)
            : Judgement.here(kinds, LiveEnvironment.of(version), statefile, reader, files, place);
        return new Outcome.Done<>(new Judged(with(rows(unwanted), rows(judgement.obstacles())),
            List.copyOf(judgement.questions()), List.copyOf(judgement.unanswered()), judgement.told()));
      } catch (ImageException | DecodeException | SyscallException | ProcException e) {
        return new Outcome.Failed<>(String.valueOf(e.getMessage()));
      } catch (IllegalArgumentException | IndexOutOfBoundsException | DateTimeException e) {
        return new Outcome.Failed<>("the host's report is damaged: " + e.getMessage());
      }
    });
  }

  @Override
  public Outcome<HostReport> hostReport(List<String> questions) {
    return guarded(() -> {
      try {
        return new Outcome.Done<>(HostReport.of(LiveEnvironment.of(version), questions));
      } catch (SyscallException | ProcException e) {
        return new Outcome.Failed<>(String.valueOf(e.getMessage()));
      } catch (IllegalArgumentException e) {
        return new Outcome.Failed<>("the questions are damaged: " + e.getMessage());
      }
    });
  }

  @Override
  public Outcome<List<LossRow>> explain(Tid root, EmbedOrder embed, Watcher watcher) {
    return guarded(() -> {
      Explanation explanation = checkpointer(Outside.REFUSED).explain(root, embed);
      List<LossRow> rows = new ArrayList<>(explanation.rows());
      rows(explanation.obstacles()).stream().filter(obstacle -> rows.stream().noneMatch(
          row -> row.subject().equals(obstacle.subject()) && row.detail().equals(obstacle.detail())))
          .forEach(rows::add);
      return new Outcome.Done<>(rows);
    });
  }

  @Override
  public Outcome<Boolean> untrack(Tid root) {
    return guarded(() -> {
      try {
        return new Outcome.Done<>(checkpointer(Outside.REFUSED).untrack(root));
      } catch (SyscallException | ProcException e) {
        return new Outcome.Failed<>(String.valueOf(e.getMessage()));
      }
    });
  }

  /// What makes an operation of the library, which needs to look at this host first.
  private interface Attempt<T> {
    Outcome<T> run() throws IOException;
  }

  private static <T> Outcome<T> guarded(Attempt<T> attempt) {
    try {
      return attempt.run();
    } catch (IOException e) {
      return new Outcome.Failed<>("this host's /proc cannot be read: " + e.getMessage());
    }
  }

  private Checkpointer checkpointer(Outside outside) throws IOException {
    return new Checkpointer(Kinds.all(outside), LiveEnvironment.of(version), practice);
  }

  private Restorer restorer(TcpPeers outside, AddressMap addresses) throws IOException {
    return new Restorer(Kinds.all(outside, addresses), LiveEnvironment.of(version), practice);
  }

  /// Tells the sending side, when the image is here, checked and planned: before the first step.
  private static Moment.Listener committing(ImageAt image, Moment.Listener listener) {
    if (!(image instanceof ImageAt.Piped(Optional<CommitFd> commit, _)) || commit.isEmpty()) {
      return listener;
    }
    AtomicBoolean said = new AtomicBoolean();
    return moment -> {
      if (moment.equals(new Moment.At("restore.step")) && !said.getAndSet(true)) {
        try {
          commit.get().say();
        } catch (IOException e) {
          throw new UncheckedIOException("--commit-fd: " + e.getMessage(), e);
        }
      }
      listener.at(moment);
    };
  }

  /// Named moments are what the user sees as phases; steps are the lines of `--verbose`.
  private static Moment.Listener listener(Watcher watcher) {
    return moment -> {
      if (watcher.cancelled() && revocable(moment)) {
        throw new CancelledException();
      }
      switch (moment) {
        case Moment.Progress(long done, long total) -> watcher.bytes(done, total);
        case Moment.At(String step) -> watcher.remoteCall(step);
        case Moment.Calls(var lines) when watcher.wantsCalls() -> lines.get().forEach(watcher::remoteCall);
        case Moment.Calls _ -> { }
        case Moment.Frozen(int tasks) -> watcher.phase("frozen " + Units.count(tasks, "thread"));
        case Moment.Snapshot _ -> watcher.phase("snapshot");
        case Moment.Resumed _ -> watcher.phase("resumed");
        case Moment.Committed _ -> watcher.phase("committed");
        case Moment.Killed _ -> watcher.phase("killed");
        case Moment.TasksBorn(int tasks) -> watcher.phase("born " + Units.count(tasks, "thread"));
        case Moment.BeforeRelease _ -> watcher.phase("before release");
        case Moment.Released _ -> watcher.phase("released");
      }
    };
  }

  /// Whether the operation can still be taken back whole. A committed checkpoint is finished; a released program runs.
  private static boolean revocable(Moment moment) {
    return switch (moment) {
      case Moment.Committed _, Moment.Killed _, Moment.Released _ -> false;
      case Moment.Progress _, Moment.At _, Moment.Calls _, Moment.Frozen _, Moment.Snapshot _, Moment.Resumed _,
          Moment.TasksBorn _, Moment.BeforeRelease _ -> true;
    };
  }

  private static SequencedMap<String, Long> ordered(Map<String, Long> phases) {
    return new LinkedHashMap<>(phases);
  }

  private static List<LossRow> rows(List<Obstacle> obstacles) {
    return obstacles.stream().map(o -> new LossRow(o.subject(), "", Exactness.REFUSED, o.reason(),
        Optional.of(o.remedy()).filter(remedy -> !remedy.isEmpty()))).toList();
  }

  private record Program(Tid pid, Tid pidInside, RestoredProgram program) implements Running {
    @Override
    public void signal(int number) {
      program.signal(number);
    }

    @Override
    public int await() {
      try {
        return program.await();
      } catch (SyscallException e) {
        throw new AssertionError("a restored root that is not our child", e);
      }
    }
  }
}

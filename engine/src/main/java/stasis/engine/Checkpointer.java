package stasis.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.LossRow;
import stasis.image.Statefile;
import stasis.image.StatefileHeader;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.procfs.ProcException;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;
import stasis.repository.ImageStore;
import stasis.repository.ImageWriter;
import stasis.resource.Host;
import stasis.resource.KindSet;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.tracee.FreezeObstacle;
import stasis.tracee.FrozenGroup;
import stasis.tracee.Deadline;
import stasis.tracee.Ptrace;
import stasis.tracee.TracerThread;

/// Freezes a thread group, writes its statefile, proves that it can be restored, and only then ends the group or has
/// let
/// it run on. Whatever fails, the group runs on untouched.
public final class Checkpointer {
  private static final Duration FREEZE_BOUND = Duration.ofSeconds(10);

  private final KindSet kinds;
  private final Environment environment;

  public Checkpointer(KindSet kinds, Environment environment) {
    this.kinds = kinds;
    this.environment = environment;
  }

  /// Runs a checkpoint to its end.
  public CheckpointOutcome checkpoint(CheckpointRequest request, Moment.Listener listener) {
    try (TracerThread tracer = new TracerThread()) {
      return tracer.call(ptrace -> onTracer(ptrace, request, listener));
    }
  }

  /// What a checkpoint would say of this group, stopping it no longer than a look.
  public Explanation explain(Tid root) {
    try (TracerThread tracer = new TracerThread()) {
      return tracer.call(ptrace -> new Look(kinds, environment, ptrace).at(root));
    }
  }

  private CheckpointOutcome onTracer(Ptrace ptrace, CheckpointRequest request, Moment.Listener listener) {
    try {
      return new Run(ptrace, request, listener).run();
    } catch (CancelledException e) {
      return new CheckpointOutcome.Cancelled();
    } catch (ObstructedException e) {
      return new CheckpointOutcome.Refused(List.of(e.obstacle()), List.of());
    } catch (SyscallException | ImageException | ProcException | DecodeException e) {
      return new CheckpointOutcome.Failed(String.valueOf(e.getMessage()));
    }
  }

  static List<Obstacle> obstacles(List<FreezeObstacle> found) {
    return found.stream().<Obstacle>map(o -> new Obstacle.Unsupported("task " + o.task(), o.message(), "")).toList();
  }

  /// One checkpoint: the phases in order, with what one hands to the next.
  private final class Run {
    private final Ptrace ptrace;
    private final CheckpointRequest request;
    private final Moment.Listener listener;
    private final Phases phases = new Phases(environment.monotonicNs());
    private final long startNs = environment.monotonicNs().getAsLong();

    Run(Ptrace ptrace, CheckpointRequest request, Moment.Listener listener) {
      this.ptrace = ptrace;
      this.request = request;
      this.listener = listener;
    }

    CheckpointOutcome run() throws ObstructedException, SyscallException, ImageException, ProcException,
        DecodeException {
      phases.enter("rehearse");
      Rehearsal rehearsal = Rehearsal.look(ptrace);
      LiveHost host = LiveHost.look(environment.proc(), rehearsal.xfeatures());
      try (HiddenKernel kernel = HiddenKernel.open(ptrace);
          ImageWriter writer = ImageStore.create(request.image(), request.force(),
              step -> listener.at(new Moment.At("store." + step.name().toLowerCase(Locale.ROOT).replace('_', '-'))))) {
        rehearsal.play(kinds, environment, ptrace, host, kernel, request.leaveRunning());
        Answering answering = Answering.open(environment, request.root(), kernel);
        phases.enter("freeze");
        long frozenAt = phases.nowNs();
        FrozenGroup.Outcome outcome = FrozenGroup.freeze(ptrace, request.root(),
            Deadline.after(request.maxFreeze().orElse(FREEZE_BOUND)), point -> listener.at(new Moment.At(point)));
        return switch (outcome) {
          case FrozenGroup.Outcome.Obstructed(var found) ->
              new CheckpointOutcome.Refused(obstacles(found), List.of());
          case FrozenGroup.Outcome.Frozen(var group) -> frozen(group, frozenAt, writer, host, answering);
        };
      }
    }

    private CheckpointOutcome frozen(FrozenGroup group, long frozenAt, ImageWriter writer, LiveHost host,
        Answering answering) throws ObstructedException, SyscallException, ImageException, ProcException,
        DecodeException {
      try (Hold hold = new Hold(ptrace, group)) {
        listener.at(new Moment.Frozen(group.tasks().size()));
        var frozen = new LiveFrozen(ptrace, group, environment.monotonicNs(), answering.of(group));
        StatefileHeader header = Headers.of(environment, host);
        phases.enter("collect");
        Collected collected = new Collector(kinds, environment.proc(), frozen, host).collect();
        return switch (collected) {
          case Collected.Obstructed(var obstacles, var losses) -> new CheckpointOutcome.Refused(obstacles, losses);
          case Collected.Complete complete -> {
            try (complete) {
              yield collected(complete, hold, frozenAt, header, writer, host);
            }
          }
        };
      }
    }

    private CheckpointOutcome collected(Collected.Complete complete, Hold hold, long frozenAt, StatefileHeader header,
        ImageWriter writer, LiveHost host) throws ObstructedException, SyscallException, ImageException, ProcException,
        DecodeException {
      try (Contents contents = contents(complete, hold)) {
        long frozenNs = 0;
        if (request.leaveRunning()) {
          listener.at(new Moment.Snapshot());
          phases.enter("resume");
          complete.files().changes().release();
          hold.close();
          frozenNs = phases.nowNs() - frozenAt;
          checkBudget(frozenNs);
          listener.at(new Moment.Resumed());
        }
        phases.enter("encode");
        PageStore pages = contents.pages();
        Capture settled = Settling.of(complete.capture(), host);
        List<LossRow> losses = complete.findings().table(settled.items().values(), host);
        List<Obstacle> approximate = request.strict() ? strict(losses) : List.of();
        if (!approximate.isEmpty()) {
          return new CheckpointOutcome.Refused(approximate, losses);
        }
        Statefile statefile = new Encoder(kinds).encode(header, settled, losses, pages.maps());
        phases.enter("store");
        long imageBytes = store(writer, statefile, pages, new HostAtFreeze(host, complete.files().facts()));
        listener.at(new Moment.Committed());
        List<String> warnings = new ArrayList<>();
        if (!request.leaveRunning()) {
          phases.enter("kill");
          complete.files().changes().mute(List.of(request.root()));
          listener.at(new Moment.At("muted"));
          hold.kill(environment.proc(), warnings);
          complete.files().changes().ended();
          frozenNs = phases.nowNs() - frozenAt;
          listener.at(new Moment.Killed());
        }
        phases.end();
        int threads = settled.tasks().size();
        return new CheckpointOutcome.Stored(new CheckpointReport(frozenNs, phases.nowNs() - startNs, imageBytes,
            pages.sectionBytes(), settled.leaders().size(), threads, phases.elapsedNs(), losses, warnings));
      }
    }

    private Contents contents(Collected.Complete complete, Hold hold) throws ObstructedException, SyscallException {
      if (!request.leaveRunning()) {
        return Contents.inPlace(hold.group(), complete);
      }
      phases.enter("snapshot");
      return Contents.snapshot(hold.group(), complete);
    }

    private void checkBudget(long frozenNs) throws ObstructedException {
      if (request.maxFreeze().isPresent() && frozenNs > request.maxFreeze().get().toNanos()) {
        throw new ObstructedException("task " + request.root(), "it stood still for " + frozenNs / 1_000_000
            + " ms, longer than --max-freeze allows; it runs on and nothing was stored", "allow a longer freeze");
      }
    }

    private long store(ImageWriter writer, Statefile statefile, PageStore pages, Host host)
        throws ImageException, SyscallException, ObstructedException, DecodeException {
      writer.writeMetadata(statefile.encode(), pages.sectionBytes());
      pages.copy(writer.pages(), listener);
      return writer.commit((ImageReader written) -> prove(written, host));
    }

    /// What was written is read back, decoded and planned: a checkpoint that counts can be restored.
    private void prove(ImageReader written, Host host) throws ImageException {
      try {
        Statefile statefile = Statefile.decode(written.metadata(), written.pageBytes(), Limits.DEFAULT);
        Plan plan = new Planner(kinds).plan(new Loader(kinds).load(statefile), host);
        if (plan instanceof Plan.Obstructed(var obstacles)) {
          throw new ImageException(ImageException.Reason.DAMAGED, "what was written cannot be restored here: "
              + obstacles.stream().map(Obstacle::text).collect(java.util.stream.Collectors.joining("; ")), "");
        }
      } catch (DecodeException e) {
        throw new ImageException(ImageException.Reason.DAMAGED, "what was written does not decode: " + e.getMessage(),
            "report this as a bug of Stasis");
      }
    }

    private List<Obstacle> strict(List<LossRow> rows) {
      return rows.stream().filter(row -> row.exactness() == LossRow.Exactness.APPROXIMATE)
          .<Obstacle>map(row -> new Obstacle.Unsupported(row.subject(), "only approximate: " + row.detail(),
              row.remedy().orElse("leave --strict away"))).toList();
    }
  }
}

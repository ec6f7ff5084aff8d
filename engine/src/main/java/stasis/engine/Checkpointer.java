package stasis.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import stasis.image.DecodeException;
import stasis.image.LossRow;
import stasis.image.Statefile;
import stasis.image.StatefileHeader;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.procfs.ProcException;
import stasis.repository.ImageContent;
import stasis.repository.ImageException;
import stasis.repository.ImageFacts;
import stasis.repository.ImageReader;
import stasis.repository.ImageWriter;
import stasis.resource.KindSet;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.TaskState;
import stasis.tracee.FreezeObstacle;
import stasis.tracee.FrozenTree;
import stasis.tracee.Deadline;
import stasis.tracee.Ptrace;
import stasis.tracee.TracerThread;

/// Freezes a tree, writes its statefile, proves that it can be restored, and only then ends the tree or has let it run
/// on. Whatever fails, the tree runs on untouched.
public final class Checkpointer {
  private static final Duration FREEZE_BOUND = Duration.ofSeconds(10);

  private final KindSet kinds;
  private final Environment environment;
  private final Practice practice;

  public Checkpointer(KindSet kinds, Environment environment) {
    this(kinds, environment, Practice.none());
  }

  /// Of an engine that stays.
  public Checkpointer(KindSet kinds, Environment environment, Practice practice) {
    this.kinds = kinds;
    this.environment = environment;
    this.practice = practice;
  }

  /// Runs a checkpoint to its end.
  public CheckpointOutcome checkpoint(CheckpointRequest request, Moment.Listener listener) {
    try (TracerThread tracer = new TracerThread()) {
      return tracer.call(ptrace -> onTracer(ptrace, request, listener));
    }
  }

  /// What a checkpoint would say of this group, stopping it no longer than a look.
  public Explanation explain(Tid root) {
    return explain(root, EmbedOrder.NONE);
  }

  /// As above. @param embed tells also which files would go along
  public Explanation explain(Tid root, EmbedOrder embed) {
    try (TracerThread tracer = new TracerThread()) {
      return tracer.call(ptrace -> new Look(kinds, environment, practice, ptrace, embed).at(root));
    }
  }

  /// Ends the tracking of a tree. @return whether it was tracked
  public boolean untrack(Tid root) throws SyscallException, ProcException {
    Optional<TrackingHolder> found = TrackingHolder.find(environment.proc(), root);
    if (found.isPresent()) {
      try (TrackingHolder holder = found.get()) {
        holder.end();
      }
    }
    return found.isPresent();
  }

  private CheckpointOutcome onTracer(Ptrace ptrace, CheckpointRequest request, Moment.Listener listener) {
    try {
      CheckpointOutcome outcome = attempt(ptrace, request, listener, Optional.empty());
      boolean again = outcome instanceof CheckpointOutcome.Refused
          && LateElsewhere.awaitFilled(request.root(), environment.monotonicNs(), listener);
      return again ? attempt(ptrace, request, listener, Optional.empty()) : outcome;
    } catch (CancelledException e) {
      return new CheckpointOutcome.Cancelled();
    }
  }

  /// Once more, with shared memory copied standing still, where it was overtaken while the program ran.
  private CheckpointOutcome attempt(Ptrace ptrace, CheckpointRequest request, Moment.Listener listener,
      Optional<Obstacle.Overtaken> before) {
    boolean twice = before.isEmpty() && request.deadline().isEmpty() && request.destination().takesAnother();
    Protection.Scope scope = before.isPresent() ? Protection.Scope.NOTHING
        : twice ? Protection.Scope.ALL : Protection.Scope.MAPPED_ONLY;
    try {
      return new Run(ptrace, request, listener, scope, before).run();
    } catch (CancelledException e) {
      return new CheckpointOutcome.Cancelled();
    } catch (ObstructedException e) {
      return twice && e.obstacle() instanceof Obstacle.Overtaken overtaken
          ? attempt(ptrace, request, listener, Optional.of(overtaken))
          : new CheckpointOutcome.Refused(List.of(e.obstacle()), List.of());
    } catch (ImageException e) {
      // A folder that is taken is for the user to decide about, like any obstacle; a full disk is not.
      return e.reason() == ImageException.Reason.OCCUPIED
          ? new CheckpointOutcome.Refused(List.of(new Obstacle.Unsupported("image", e.getMessage(), "")), List.of())
          : new CheckpointOutcome.Failed(e.getMessage());
    } catch (SyscallException | ProcException | DecodeException | KcmpFailedException e) {
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
    private final Optional<Timetable> timetable;
    private final Protection.Scope scope;
    private final Optional<Obstacle.Overtaken> before;

    /// @param scope which shared memory may be copied beside the running program @param before why that was in vain
    Run(Ptrace ptrace, CheckpointRequest request, Moment.Listener listener, Protection.Scope scope,
        Optional<Obstacle.Overtaken> before) {
      this.scope = scope;
      this.before = before;
      this.ptrace = ptrace;
      this.request = request;
      this.listener = listener;
      this.timetable = request.deadline().map(
          order -> new Timetable(order, request.root(), environment.monotonicNs(), startNs));
    }

    CheckpointOutcome run() throws ObstructedException, SyscallException, ImageException, ProcException,
        DecodeException {
      phases.enter("rehearse");
      Rehearsal rehearsal = practice.look(ptrace, environment.proc());
      LiveHost host = LiveHost.look(environment.proc(), rehearsal);
      try (Practice.Loan loan = practice.kernel(ptrace);
          ImageWriter writer = request.destination().begin(
              step -> listener.at(new Moment.At("store." + step.name().toLowerCase(Locale.ROOT).replace('_', '-'))));
          Sparing sparing = Sparing.begin(ptrace, request, environment, writer, timetable)) {
        rehearsal.play(practice, kinds, environment, ptrace, host, loan.kernel(), request.root(),
            request.leaveRunning(), request.track());
        Answering answering = Answering.open(environment, request.root(), loan.kernel(), request.notesWrites());
        if (request.preCopyRounds() > 0) {
          phases.enter("pre-copy");
          sparing.preCopy().run(request.root(), request.preCopyRounds(), listener, phases);
        }
        phases.enter("freeze");
        FreezeStart points = new FreezeStart(new TracedPoints(listener), phases::nowNs);
        FrozenTree.Outcome outcome = FrozenTree.freeze(ptrace, request.root(),
            Deadline.after(request.maxFreeze().orElse(FREEZE_BOUND)), points);
        return switch (outcome) {
          case FrozenTree.Outcome.Obstructed(var found) ->
              new CheckpointOutcome.Refused(obstacles(found), List.of());
          case FrozenTree.Outcome.Frozen(var tree) -> frozen(tree, points, writer, host, answering, sparing);
        };
      }
    }

    private CheckpointOutcome frozen(FrozenTree tree, FreezeStart start, ImageWriter writer, LiveHost host,
        Answering answering, Sparing sparing) throws ObstructedException, SyscallException, ImageException,
        ProcException, DecodeException {
      try (Hold hold = new Hold(ptrace, tree)) {
        listener.at(new Moment.Frozen(tree.threads()));
        return Casualties.named(environment.proc(), ptrace, hold, () -> held(hold, start.beganNs(), writer, host, answering,
            sparing));
      }
    }

    private CheckpointOutcome held(Hold hold, long frozenAt, ImageWriter writer, LiveHost host, Answering answering,
        Sparing sparing) throws ObstructedException, SyscallException, ImageException, ProcException,
        DecodeException {
      FrozenTree tree = hold.tree();
      Stopped stopped = answering.of(tree, ptrace, environment.monotonicNs());
      StatefileHeader header = Headers.of(ProgramClocks.of(environment,
          tree.members().stream().map(member -> member.group().shown()).toList()), host);
      phases.enter("collect");
      Collected collected = new Collector(kinds, environment.proc(), stopped, host, phases).collect();
      return switch (collected) {
        case Collected.Obstructed(var obstacles, var losses) -> new CheckpointOutcome.Refused(obstacles, losses);
        case Collected.Complete complete -> {
          try (complete) {
            LateElsewhere.refuse(complete.capture());
            complete.files().tellLeaks(answering.outsiders(), Set.copyOf(tree.leaders()));
            yield collected(complete, hold, frozenAt, header, writer, host, sparing);
          }
        }
      };
    }

    private List<String> warnings(Sparing sparing, Embedding embedding, Contents contents, PageStore pages) {
      List<String> warnings = new ArrayList<>(sparing.told());
      warnings.addAll(embedding.told());
      timetable.ifPresent(table -> warnings.addAll(table.told()));
      warnings.addAll(contents.told(pages.sectionBytes()));
      before.ifPresent(it -> warnings.add("shared memory was copied standing still: " + it.reason()));
      return warnings;
    }

    private CheckpointOutcome collected(Collected.Complete complete, Hold hold, long frozenAt, StatefileHeader header,
        ImageWriter writer, LiveHost host, Sparing sparing) throws ObstructedException, SyscallException,
        ImageException, ProcException, DecodeException {
      Freeze freeze = new Freeze(hold, frozenAt, complete.files().changes());
      sparing.pass(hold.tree(), complete, phases);
      try (Embedding embedding = embedding(complete);
          Contents contents = contents(complete, hold)) {
        if (request.leaveRunning() && contents.isHeld() && embedding.hold(freeze::checkBudget)) {
          listener.at(new Moment.Snapshot());
          freeze.end();
        }
        phases.enter("encode");
        Contents.Found found = contents.pages(ptrace, complete.capture(), phases);
        PageStore pages = found.store();
        embedding.add(pages);
        sparing.spare(pages);
        if (timetable.isPresent()) {
          timetable.get().lastly(pages.comingBytes());
        }
        Capture settled = Settling.of(found.capture(), host);
        List<LossRow> losses = complete.findings().table(settled.items().values(), host);
        List<Obstacle> approximate = request.strict() ? Demands.strict(losses) : List.of();
        if (!approximate.isEmpty()) {
          return new CheckpointOutcome.Refused(approximate, losses);
        }
        List<Obstacle> unprovable = request.proof().isPresent() ? Demands.provable(settled, writer)
            : List.of();
        if (!unprovable.isEmpty()) {
          return new CheckpointOutcome.Refused(unprovable, losses);
        }
        Statefile statefile = new Encoder(kinds).encode(header, settled, losses, pages.maps(), embedding.objects());
        phases.enter("store");
        long imageBytes = store(writer, content(statefile, settled, pages), contents, pages, embedding, freeze,
            new HostAtFreeze(host, complete.files().facts()));
        Optional<DeadlineReport> deadline = timetable.map(Timetable::report);
        listener.at(new Moment.Committed());
        if (request.leaveRunning()) {
          sparing.tracking().committed(writer.identity());
        }
        List<String> warnings = warnings(sparing, embedding, contents, pages);
        if (!request.leaveRunning()) {
          phases.enter("kill");
          complete.files().changes().mute(hold.tree().leaders());
          listener.at(new Moment.At("muted"));
          freeze.kill(warnings, () -> {
            complete.files().changes().ended();
            complete.files().close();
          });
          listener.at(new Moment.Killed());
        }
        phases.end();
        int threads = settled.tasks().size();
        return new CheckpointOutcome.Stored(new CheckpointReport(writer.title(), freeze.lastedNs(),
            phases.nowNs() - startNs, imageBytes, pages.sectionBytes(), settled.leaders().size(), threads,
            phases.elapsedNs(), losses, warnings, sparing.tracked(pages),
            sparing.preCopied(pages), embedding.report(request.embed()), deadline,
            phases.spans()));
      }
    }

    private Embedding embedding(Collected.Complete complete) throws ObstructedException, SyscallException {
      if (request.embed().wanted()) {
        phases.enter("files");
      }
      Embedding embedding = Embedding.begin(request.embed(), complete.capture(), complete.files().facts());
      embedding.tell(complete.findings());
      return embedding;
    }

    private Contents contents(Collected.Complete complete, Hold hold) throws ObstructedException, SyscallException {
      if (!request.leaveRunning() || request.preCopyRounds() > 0) {
        return Contents.inPlace(complete);
      }
      phases.enter("snapshot");
      return Contents.snapshot(hold.tree(), complete, new Protection.Order(environment, listener, scope), phases);
    }

    private static ImageContent content(Statefile statefile, Capture settled, PageStore pages) {
      StatefileHeader header = statefile.header();
      TaskState root = settled.root().getValue();
      return new ImageContent(statefile.encode(), pages.sectionBytes(), pages.stretches(), pages.kept(), new ImageFacts(
          header.createdUnixNs(), header.hostName(), root.comm(), root.ownPid(), settled.leaders().size(),
          settled.tasks().size()));
    }

    private long store(ImageWriter writer, ImageContent content, Contents contents, PageStore pages,
        Embedding embedding, Freeze freeze, HostAtFreeze host) throws ImageException, SyscallException,
        ObstructedException, DecodeException {
      writer.writeMetadata(content);
      try (Phases.Stretch _ = phases.part("pages")) {
        contents.copy(ptrace, pages, writer.pages(), () -> {
          freeze.checkBudget();
          if (timetable.isPresent()) {
            timetable.get().progress(writer.pages().position(), pages.comingBytes());
          }
        }, listener);
      }
      try (Phases.Stretch _ = phases.part("copies")) {
        contents.close();
      }
      embedding.verify();
      if (request.leaveRunning()) {
        freeze.end();
        phases.enter("store");
      }
      try (Phases.Stretch _ = phases.part("commit")) {
        return writer.<ObstructedException>commit(written -> {
          try (Phases.Stretch _ = phases.part("proof")) {
            ReadBack.prove(kinds, written, host);
          }
          certify(writer, written, host);
          if (timetable.isPresent()) {
            timetable.get().check();
          }
        });
      }
    }

    /// How long the group stands still, and its end.
    private final class Freeze {
      private final Hold hold;
      private final LastingChanges changes;
      private final long beganNs;
      private long lastedNs;
      private boolean ended;

      Freeze(Hold hold, long beganNs, LastingChanges changes) {
        this.changes = changes;
        this.hold = hold;
        this.beganNs = beganNs;
      }

      long lastedNs() {
        return lastedNs;
      }

      /// The group runs on; once.
      void end() throws ObstructedException {
        if (!ended) {
          phases.enter("resume");
          changes.release();
          hold.close();
          ended();
          checkBudget();
          listener.at(new Moment.Resumed());
        }
      }

      void kill(List<String> warnings, Runnable letGo) throws SyscallException {
        hold.kill(environment.proc(), warnings, listener, letGo);
        ended();
      }

      private void ended() {
        lastedNs = phases.nowNs() - beganNs;
        ended = true;
      }

      void checkBudget() throws ObstructedException {
        long soFarNs = ended ? lastedNs : phases.nowNs() - beganNs;
        if (request.maxFreeze().isPresent() && soFarNs > request.maxFreeze().get().toNanos()) {
          throw new ObstructedException("task " + request.root(), "it stood still for " + soFarNs / 1_000_000
              + " ms, longer than --max-freeze allows; it runs on and nothing was stored", "allow a longer freeze");
        }
      }
    }

    /// And that it is restored, not only planned, where that was asked for.
    private void certify(ImageWriter writer, ImageReader written, HostAtFreeze host) throws ImageException {
      if (request.proof().isPresent()) {
        try (Phases.Stretch _ = phases.part("copy")) {
          writer.certify(new Proof(request.proof().get(), environment, listener).of(written, host));
        }
        listener.at(new Moment.At("proved"));
      }
    }
  }
}

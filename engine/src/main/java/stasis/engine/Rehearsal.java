package stasis.engine;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.Statefile;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.resource.KindSet;
import stasis.resource.ObstructedException;
import stasis.tracee.Deadline;
import stasis.tracee.FaultPoints;
import stasis.tracee.FrozenTree;
import stasis.tracee.Ptrace;
import stasis.tracee.Snapshot;
import stasis.tracee.stub.Stub;

/// What is learnt, and warmed up, on a private stub before anything of the user's is stopped: the whole path from
/// freeze
/// to resume runs there first, so that no class is loaded and no code is cold inside the freeze.
///
/// @param xfeatures XCR0 of this CPU and kernel, as a tracee's extended registers tell it
/// @param vdsoDigest as [stasis.resource.Host#vdsoDigest]
record Rehearsal(long xfeatures, Bytes vdsoDigest) {
  private static final RemoteAddress HOLE = new RemoteAddress(0x20000000L);
  private static final long HOLE_BYTES = 1 << 20;
  private static final Duration BOUND = Duration.ofSeconds(10);
  private static final int INIT = 1;
  private static final int ROUNDS = 4;

  /// Learns only.
  static Rehearsal look(Ptrace ptrace, Bytes vdsoDigest) throws SyscallException {
    try (Stub stub = Stub.spawn(ptrace, HOLE, HOLE_BYTES, List.of())) {
      return new Rehearsal(Xstate.offered(ptrace.xsave(stub.tid())), vdsoDigest);
    }
  }

  /// Freezes, describes and lets go of a stub, several times.
  ///
  /// @param practice whose code need not run again, except for sockets, of which few programs have many, and for
  ///     tracking as long as that has not been rehearsed often enough
  /// @param root of the tree that will be frozen @param snapshot whether the path includes the copy-on-write image
  /// @param track what it includes besides
  void play(Practice practice, KindSet kinds, Environment environment, Ptrace ptrace, LiveHost host,
      HiddenKernel kernel, Tid root, boolean snapshot, TrackOrder track) throws SyscallException {
    try (RehearsedSockets sockets = RehearsedSockets.of(environment.proc(), root)) {
      if (!practice.isWarm() || track != TrackOrder.OFF && practice.tracksCold() || !sockets.fds().isEmpty()) {
        // What a stub gives away comes to who adopts our orphans: that may be the program.
        Optional<Snapshot.Custody> custody = snapshot ? Optional.of(root.value() == INIT ? Snapshot.Custody.KEPT
            : Snapshot.Custody.GIVEN_AWAY) : Optional.empty();
        play(kinds, environment, ptrace, host, kernel, sockets, custody, track);
      }
    }
  }

  private static void play(KindSet kinds, Environment environment, Ptrace ptrace, LiveHost host, HiddenKernel kernel,
      RehearsedSockets sockets, Optional<Snapshot.Custody> custody, TrackOrder track) throws SyscallException {
    Tid tid = stub(ptrace, sockets);
    try {
      Answering answering = Answering.open(environment, tid, kernel, track != TrackOrder.OFF);
      for (int round = 0; round < ROUNDS; round++) {
        if (FrozenTree.freeze(ptrace, tid, Deadline.after(BOUND), FaultPoints.NONE)
            instanceof FrozenTree.Outcome.Frozen(var tree)) {
          // Once is enough to have the classes: few programs have shared memory that is large.
          round(kinds, environment, ptrace, host, custody, track, answering, tree,
              new Protection.Order(environment, _ -> { },
                  round == ROUNDS - 1 ? Protection.Scope.REHEARSED : Protection.Scope.ALL));
        }
      }
    } finally {
      sockets.hush();
      Stub.end(ptrace, tid);
    }
  }

  /// One that idles, with something of all that programs have.
  private static Tid stub(Ptrace ptrace, RehearsedSockets sockets) throws SyscallException {
    try (RehearsedFiles files = RehearsedFiles.open()) {
      Stub stub = Stub.spawn(ptrace, HOLE, HOLE_BYTES,
          Stream.concat(files.fds().stream(), sockets.fds().stream()).toList());
      try {
        files.mapInto(stub, HOLE.plus(HOLE_BYTES));
        stub.idle();
        return stub.tid();
      } catch (SyscallException e) {
        stub.close();
        throw e;
      }
    }
  }

  private static void round(KindSet kinds, Environment environment, Ptrace ptrace, LiveHost host,
      Optional<Snapshot.Custody> custody, TrackOrder track, Answering answering, FrozenTree tree,
      Protection.Order shared) throws SyscallException {
    try (Hold hold = new Hold(ptrace, tree)) {
      Stopped stopped = answering.of(tree, ptrace, environment.monotonicNs());
      Collected collected = new Collector(kinds, environment.proc(), stopped, host,
          new Phases(environment.monotonicNs())).collect();
      Headers.of(environment, host);
      if (collected instanceof Collected.Complete complete) {
        try (complete) {
          WriteTracking.rehearse(environment, tree, complete, track);
          if (custody.isPresent()) {
            Adopters adopters = Adopters.rehearsed(hold.tree(), custody.get(),
                shared.scope() == Protection.Scope.REHEARSED);
            Contents.snapshot(hold.tree(), complete, adopters, shared, new Phases(environment.monotonicNs())).close();
          } else {
            describe(kinds, environment, host, complete);
          }
        }
      }
    } catch (ObstructedException | DecodeException e) {
      // What a stub lacks is no concern: the code has run.
    }
  }

  /// What a program that is to end waits for besides: its statefile, and the proof of it.
  private static void describe(KindSet kinds, Environment environment, LiveHost host, Collected.Complete complete)
      throws ObstructedException, SyscallException, DecodeException {
    try (Contents contents = Contents.inPlace(complete)) {
      Contents.Found found = contents.pages(complete.capture(), new Phases(environment.monotonicNs()));
      Capture settled = Settling.of(found.capture(), host);
      Statefile statefile = new Encoder(kinds).encode(Headers.of(environment, host), settled,
          complete.findings().table(settled.items().values(), host), found.store().maps(), List.of());
      Statefile decoded = Statefile.decode(statefile.encode(), found.store().sectionBytes(), Limits.DEFAULT);
      new Planner(kinds).plan(new Loader(kinds).load(decoded), host);
    }
  }
}

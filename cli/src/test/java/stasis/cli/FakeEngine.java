package stasis.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import stasis.engine.EmbedOrder;
import stasis.engine.FilePolicy;
import stasis.engine.HostReport;
import stasis.engine.Place;
import stasis.image.LossRow;
import stasis.image.LossRow.Exactness;
import stasis.linux.abi.Tid;

/// An engine that notes what it is asked and answers what it was told to.
class FakeEngine implements Engine {
  static final LossRow EXACT = new LossRow("task 4711", "task.comm", Exactness.EXACT, "", Optional.empty());
  static final LossRow APPROXIMATE = new LossRow("task 4711 fd 3", "file.inotify", Exactness.APPROXIMATE,
      "queued events are lost", Optional.of("read them first"));
  static final LossRow REFUSED = new LossRow("task 4711 fd 4", "file.unknown", Exactness.REFUSED, "nobody knows it",
      Optional.of("close it"));
  static final Figures FIGURES = new Figures(20_500_000, 9000, 8192, 1, 3,
      new LinkedHashMap<>(Map.of("freeze", 1_000_000L)), List.of(EXACT, APPROXIMATE), List.of("a warning"));

  final List<Object> orders = new ArrayList<>();
  final List<Integer> signals = new ArrayList<>();
  Outcome<Checkpointed> checkpoint = new Outcome.Done<>(new Checkpointed("/i", 12_345_678, FIGURES));
  Outcome<List<LossRow>> explanation = new Outcome.Done<>(List.of(EXACT, REFUSED));
  Outcome<Restored> restore = new Outcome.Done<>(new Restored(7_000_000, FIGURES, program(3)));
  Outcome<Judged> judged = new Outcome.Done<>(new Judged(List.of(), List.of("file /bin/sleep", "xfeatures"),
      List.of(), List.of()));
  Outcome<String> plan = new Outcome.Done<>("%0 = [1] dup(3)\n");

  Running program(int status) {
    return new Running() {
      @Override
      public Tid pid() {
        return new Tid(4711);
      }

      @Override
      public void signal(int number) {
        signals.add(number);
      }

      @Override
      public int await() {
        return status;
      }
    };
  }

  @Override
  public Outcome<Checkpointed> checkpoint(CheckpointOrder order, Watcher watcher) {
    orders.add(order);
    return checkpoint;
  }

  @Override
  public Outcome<Restored> restore(RestoreOrder order, Watcher watcher) {
    orders.add(order);
    return restore;
  }

  @Override
  public Outcome<String> plan(ImageAt image, stasis.kinds.AddressMap addresses, Place place, FilePolicy files,
      Watcher watcher) {
    orders.add(image);
    return plan;
  }

  @Override
  public Outcome<Judged> canRestore(ImageAt image, Optional<HostReport> host, Place place, FilePolicy files,
      Watcher watcher) {
    orders.add(host.isPresent() ? host.get() : image);
    return judged;
  }

  @Override
  public Outcome<HostReport> hostReport(List<String> questions) {
    orders.add(questions);
    TreeMap<String, String> answers = new TreeMap<>(Map.of("xfeatures", "e7"));
    questions.forEach(question -> answers.put(question, "asked"));
    return new Outcome.Done<>(new HostReport(answers));
  }

  @Override
  public Outcome<Boolean> untrack(Tid root) {
    orders.add(root);
    return new Outcome.Done<>(true);
  }

  @Override
  public Outcome<List<LossRow>> explain(Tid root, EmbedOrder embed, Watcher watcher) {
    orders.add(root);
    return explanation;
  }
}

package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.engine.Checkpointer;
import stasis.engine.Explanation;
import stasis.image.LossRow;
import stasis.kinds.Kinds;
import stasis.linux.abi.Tid;
import stasis.testkit.Victim;

/// A child whose parent is not of the tree and shares something with it: nothing of that goes lost in silence.
class OutsideSharersTest {
  private interface Look {
    void at(Explanation child, Explanation both, Tid parent);
  }

  private static void sharing(String what, Path work, Look look) {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.program("sharers", "-lutil").with("SHARED=" + what));
      victim.awaitReady("shared", Cycle.BOUND);
      Tid child = Cycle.tree(victim.pid()).getLast();
      var checkpointer = new Checkpointer(Kinds.all(), cycle.environment());
      look.at(checkpointer.explain(child), checkpointer.explain(victim.pid()), victim.pid());
      victim.go("shared");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  private static List<LossRow> naming(Explanation explanation, Tid task) {
    return explanation.rows().stream().filter(row -> row.exactness() != LossRow.Exactness.EXACT
        && row.detail().contains("task " + task + " (sharers) outside the tree")).toList();
  }

  @ParameterizedTest
  @CsvSource({"anonymous,body.sharedanon", "memfd,body.memfd", "deleted,body.deleted", "description,file",
      "terminal,body.pty"})
  void whatATaskOutsideSharesIsToldWithItsName(String what, String kind, @TempDir Path work) {
    sharing(what, work, (child, both, parent) -> {
      assertThat(naming(child, parent)).extracting(LossRow::kind).contains(kind);
      assertThat(naming(both, parent)).isEmpty();
    });
  }

  @ParameterizedTest
  @CsvSource({"anonymous,body.sharedanon", "memfd,body.memfd", "description,file.memfd", "files,core.task",
      "fs,core.task", "vm,core.task"})
  void ofATreeThatHasBothItIsSaidWhoShares(String what, String kind, @TempDir Path work) {
    sharing(what, work, (_, both, parent) -> assertThat(both.rows().stream().filter(row -> row.kind().equals(kind)))
        .anySatisfy(row -> {
          assertThat(row.exactness()).isEqualTo(LossRow.Exactness.EXACT);
          assertThat(row.detail()).contains("shared by task " + parent + " (sharers)")
              .containsPattern("shared by task .* task \\d+ \\(sharers\\)");
        }));
  }

  @ParameterizedTest
  @CsvSource({"io,task.ioprio,CLONE_IO", "segment,group.sysv,is not in the image"})
  void whatDoesNotComeBackSharedIsTold(String what, String kind, String words, @TempDir Path work) {
    sharing(what, work, (_, both, _) -> assertThat(both.rows()).anyMatch(row -> row.kind().equals(kind)
        && row.exactness() != LossRow.Exactness.EXACT && row.detail().contains(words)));
  }

  @Test
  void aMappingThatOnlyTheOtherHasIsNobodysLoss(@TempDir Path work) {
    sharing("private", work, (child, _, parent) -> assertThat(naming(child, parent)).isEmpty());
  }

  @ParameterizedTest
  @ValueSource(strings = {"files", "fs", "vm", "sighand"})
  void whatProcessesHaveEachForThemselvesIsTold(String what, @TempDir Path work) {
    sharing(what, work, (child, _, parent) -> assertThat(naming(child, parent)).isNotEmpty());
  }
}

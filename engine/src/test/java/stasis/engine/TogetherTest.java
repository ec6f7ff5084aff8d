package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Arg;
import stasis.resource.Ref;
import stasis.resource.Step;

final class TogetherTest {
  private static final ObjectId LEADER = new ObjectId(1);

  private final List<Step> steps = new ArrayList<>();
  private final Map<ObjectId, ObjectId> leaders = new HashMap<>();

  TogetherTest() {
    for (int id = 2; id < 60; id++) {
      leaders.put(new ObjectId(id), LEADER);
    }
  }

  private void call(int task, Nr nr, Arg... args) {
    steps.add(new Step.Call(new ObjectId(task), nr, List.of(args), new Step.Expect.Success(), "why"));
  }

  /// Where each thread's calls end.
  private List<Integer> ends(int from) {
    var together = new Together(steps, from, leaders);
    var ends = new ArrayList<Integer>();
    int at = from;
    for (int end = together.take(at); end > at; end = together.take(at)) {
      ends.add(end);
      at = end;
    }
    return ends;
  }

  @Test
  void callsOfSeveralThreadsGoTogetherAndNoThreadTwice() {
    for (int task : new int[] {2, 2, 3, 4, 4, 2}) {
      call(task, Nr.GETTID);
    }
    assertThat(ends(0)).containsExactly(2, 3, 5);
  }

  @Test
  void asManyAsHaveRoom() {
    for (int task = 2; task < 60; task++) {
      call(task, Nr.GETTID);
    }
    assertThat(ends(0)).hasSize(Together.THREADS);
  }

  @Test
  void aLeaderAnotherProcessAndASeccompFilterAreAlone() {
    call(1, Nr.GETTID);
    call(2, Nr.GETTID);
    call(3, Nr.GETTID);
    call(3, Nr.SECCOMP);
    call(3, Nr.GETTID);
    leaders.put(new ObjectId(70), new ObjectId(69));
    call(70, Nr.GETTID);
    assertThat(ends(0)).isEmpty();
    assertThat(ends(1)).containsExactly(2, 3);
    assertThat(ends(3)).isEmpty();
    assertThat(ends(4)).containsExactly(5);
  }

  @Test
  void whoNeedsAnAnswerOfAnotherOfThemWaits() {
    call(2, Nr.GETTID);
    call(3, Nr.GETTID);
    call(3, Nr.PRCTL, Arg.result(new Ref<>(1)));
    call(4, Nr.PRCTL, Arg.result(new Ref<>(0)));
    assertThat(ends(0)).containsExactly(1, 3);
    assertThat(ends(3)).containsExactly(4);
  }

  @Test
  void whatMayBeTooLargeIsAlone() {
    call(2, Nr.GETTID);
    call(3, Nr.SETGROUPS, Arg.imm(1), Arg.data(Bytes.zeros(1 << 20)));
    assertThat(ends(0)).containsExactly(1);
    assertThat(ends(1)).isEmpty();
  }
}

package stasis.kinds.task.credentials;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeTask;
import stasis.resource.Kind;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;

class CredentialsTest extends AspectContract<Credentials.State> {
  private final Credentials kind = new Credentials();

  @Override
  protected Kind<Credentials.State> kind() {
    return kind;
  }

  @Override
  protected Credentials.State sample() {
    return new Credentials.State(new Credentials.Ids(1000, 1001, 1002, 1003), new Credentials.Ids(5, 6, 7, 6),
        List.of(1L, 99_999L), new Credentials.Sets(0xf0f, 0xff, 0x0f, 0x1fffeffffffL, 0x3), 0x10, true);
  }

  private static String status(String uid, String bounding) {
    return "Name:\trestorer\nUid:\t" + uid + "\nGid:\t" + uid + "\nGroups:\t5 \nCapInh:\t0\nCapPrm:\t0\nCapEff:\t0\n"
        + "CapBnd:\t" + bounding + "\nCapAmb:\t0\nNoNewPrivs:\t0\n";
  }

  private static Credentials.State ordinary(long id, List<Long> groups) {
    Credentials.Ids ids = new Credentials.Ids(id, id, id, id);
    return new Credentials.State(ids, ids, groups, new Credentials.Sets(0, 0, 0, 0x1fffeffffffL, 0), 0, false);
  }

  @Test
  void allOfItIsReadFromStatusAndTheSecurebits() throws ObstructedException {
    FakeTask task = new FakeGroup().leader().status("Uid", "1000\t1001\t1002\t1003").status("Gid", "5\t6\t7\t6")
        .status("Groups", "1 99999 ").status("CapInh", "0000000000000f0f").status("CapPrm", "00000000000000ff")
        .status("CapEff", "000000000000000f").status("CapBnd", "000001fffeffffff")
        .status("CapAmb", "0000000000000003").status("NoNewPrivs", "1");

    assertThat(kind.checkpoint(task, answers(kind.questions(task), value(0x10)))).contains(sample());
  }

  @Test
  void ordinaryUserGetsBackWhatItIs() {
    FakeHost host = new FakeHost().inheriting("status", status("1000\t1000\t1000\t1000", "1fffeffffff"));

    assertThat(kind.obstacles(ordinary(1000, List.of(5L)), host)).isEmpty();
  }

  @Test
  void ordinaryUserCannotBeSomebodyElse() {
    FakeHost host = new FakeHost().inheriting("status", status("1000\t1000\t1000\t1000", "1fffeffffff"));

    assertThat(kind.obstacles(ordinary(1001, List.of(5L, 6L)), host)).extracting(Obstacle::reason)
        .anyMatch(reason -> reason.contains("CAP_SETUID")).anyMatch(reason -> reason.contains("CAP_SETGID"))
        .anyMatch(reason -> reason.contains("groups"));
  }

  @Test
  void capabilityTheRestorerLacksIsNamed() {
    FakeHost host = new FakeHost().inheriting("status", status("0\t0\t0\t0", "1fffeffffff"))
        .capable("CAP_SETUID", "CAP_SETGID");
    Credentials.Ids root = new Credentials.Ids(0, 0, 0, 0);
    Credentials.State state = new Credentials.State(root, root, List.of(),
        new Credentials.Sets(0, 1L << 24, 1L << 24, 0x1ffffffffffL, 0), 0, false);

    assertThat(kind.obstacles(state, host)).extracting(Obstacle::reason).hasSize(2)
        .allMatch(reason -> reason.contains("CAP_SYS_RESOURCE"));
  }

  @Test
  void rootWithNothingDroppedNeedsNoDrop() {
    Credentials.Ids root = new Credentials.Ids(0, 0, 0, 0);
    Credentials.State state = new Credentials.State(root, root, List.of(),
        new Credentials.Sets(0, 0x1ffffffffffL, 0x1ffffffffffL, 0x1ffffffffffL, 0), 0, false);

    assertThat(explain(state)).doesNotContain("bounding set without").contains("prctl(0x27) == 0");
  }
}

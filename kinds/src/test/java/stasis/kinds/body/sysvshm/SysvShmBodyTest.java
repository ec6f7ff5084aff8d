package stasis.kinds.body.sysvshm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.FakeBody;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.kinds.fake.MemoryHost;
import stasis.kinds.fake.MemoryRefs;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.procfs.ShmSegment;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.BodyKind;
import stasis.resource.Obstacle;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class SysvShmBodyTest extends MemoryContract<SysvShmBody.State> {
  private static final ObjectId SELF = new ObjectId(3);
  private static final int KEY = 0x2a;
  private static final int ID = 98305;
  private static final long SIZE = 0x3f9c;
  private static final int DEST = 01000;

  private static Bytes stat(int key, int mode, int attaches) {
    return Bytes.ofU32(key, 5, 6, 7, 8, mode).concat(Bytes.zeros(24)).concat(Bytes.ofU64(SIZE, 0, 0, 0))
        .concat(Bytes.ofU32(4000, 4001)).concat(Bytes.ofU64(attaches, 0, 0));
  }

  private static FakeGroup group(Bytes stat) {
    var group = new FakeGroup();
    group.leader().observing(new Answer(0, Map.of(2, stat)), Nr.SHMCTL, Arg.imm(ID), Arg.imm(2), Arg.space(112));
    return group;
  }

  private static FakeMapping part(FakeGroup group, String range, String offset, String flags) {
    return FakeMapping.of(range + " " + offset + " 00:01 " + ID + "   /SYSV0000002a (deleted)", flags).group(group);
  }

  private static FakeMapping whole(FakeGroup group) {
    return part(group, "7f0000000000-7f0000004000 rw-s", "00000000", "rd wr sh mr mw me ms")
        .facts(stat(FileStat.S_IFREG | 0777, ID, 0, SIZE));
  }

  private SysvShmBody.State checkpoint(FakeMapping... mappings) throws ObstructedException {
    return kind().checkpoint(new FakeBody(SELF).mapped(mappings));
  }

  private static SysvShmBody.State state(int key, boolean removed) {
    return new SysvShmBody.State(ID, key, SIZE, 0640, new SysvShmBody.Owner(5, 6), new SysvShmBody.Owner(7, 8), 4000,
        false, removed, false, false, Optional.empty(), false);
  }

  private static ShmSegment segment(int key, int id, long attaches) {
    return new ShmSegment(key, id, 0600, SIZE, attaches, 7, 8);
  }

  private static MemoryHost host() {
    return new MemoryHost().capable("CAP_CHECKPOINT_RESTORE");
  }

  @Override
  protected BodyKind<SysvShmBody.State> kind() {
    return new SysvShmBody();
  }

  @Override
  protected SysvShmBody.State sample() {
    return new SysvShmBody.State(ID, KEY, SIZE, 0440, new SysvShmBody.Owner(5, 6), new SysvShmBody.Owner(7, 8), 4000,
        true, true, true, true, Optional.empty(), false);
  }

  @Override
  protected void program(Script script) {
    // Removed, read-only and locked; one that is still there; a removed one whose key another has by now.
    kind().restore(sample(), SELF, script, REFS);
    kind().restore(state(KEY, false), SELF, script, new MemoryRefs(host().segment(segment(KEY, ID, 0))));
    kind().restore(state(KEY, true), SELF, script, new MemoryRefs(host().segment(segment(KEY, 7, 1))));
    kind().restore(huge(), SELF, script, REFS);
  }

  private static SysvShmBody.State huge() {
    return new SysvShmBody.State(ID, KEY, 3 << 20, 0600, new SysvShmBody.Owner(0, 0), new SysvShmBody.Owner(0, 0), 4000,
        false, false, true, false, Optional.of(2L << 20), false);
  }

  @Test
  void hugePagesTakeWholePagesOfTheirHole() {
    assertThat(kind().holeBytes(huge())).isEqualTo(6 << 20);
  }

  @Test
  void isWhatTheKernelTellsOfIt() throws ObstructedException {
    assertThat(checkpoint(whole(group(stat(KEY, 0640, 1))))).isEqualTo(state(KEY, false));
    assertThat(kind().losses(state(KEY, false))).extracting(Loss::detail).satisfiesExactly(
        when -> assertThat(when).contains("attached, detached and changed"),
        maker -> assertThat(maker).startsWith("where it has to be made anew, its creator's pid"));
  }

  @Test
  void aRemovedOneKeepsItsKeyInItsNameUnlessAnotherHasIt() throws ObstructedException {
    FakeGroup group = group(stat(0, 0640 | DEST, 1));
    assertThat(checkpoint(whole(group))).isEqualTo(state(KEY, true));
    group.leader().observing(new Answer(12, Map.of()), Nr.SHMGET, Arg.imm(KEY), Arg.imm(0), Arg.imm(0));
    SysvShmBody.State renamed = checkpoint(whole(group));
    assertThat(renamed.key()).isZero();
    assertThat(kind().losses(renamed)).hasSize(3);
  }

  @Test
  void attachesOutsideTheTreeAreRefused() {
    assertThatThrownBy(() -> checkpoint(whole(group(stat(KEY, 0640, 3))))).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("2 times more outside the tree");
  }

  @Test
  void partsThatNobodyMapsCannotBeReadWithoutTheRightToLook() {
    FakeGroup group = group(stat(KEY, 0640, 2));
    assertThatThrownBy(() -> checkpoint(part(group, "7f0000000000-7f0000001000 rw-s", "00000000", "rd wr sh mw"),
        part(group, "7f0000002000-7f0000004000 rw-s", "00002000", "rd wr sh mw")))
        .hasMessageContaining("mapped nowhere");
  }

  @Test
  void aReadOnlyAttachLiesBehindTheWritableOne() {
    assertThat(kind().holeBytes(sample())).isEqualTo(0x8000);
    assertThat(kind().holeBytes(state(KEY, false))).isEqualTo(0x4000);
  }

  @Test
  void theSegmentItselfMayStillBeThere() {
    assertThat(kind().obstacles(state(KEY, false), new MemoryHost().segment(segment(KEY, ID, 0)))).isEmpty();
    assertThat(kind().obstacles(state(KEY, false), host())).isEmpty();
  }

  @Test
  void whatStandsInTheWayIsNamed() {
    assertThat(kind().obstacles(state(KEY, false), host().segment(segment(9, ID, 0)))).singleElement()
        .isInstanceOf(Obstacle.Changed.class);
    assertThat(kind().obstacles(state(KEY, true), host().segment(segment(KEY, ID, 0)))).hasSize(1);
    assertThat(kind().obstacles(state(KEY, false), host().segment(segment(KEY, 7, 0)))).singleElement()
        .extracting(Obstacle::reason).asString().contains("0x2a is that of segment 7");
    assertThat(kind().obstacles(state(KEY, true), host().segment(segment(KEY, 7, 0)))).isEmpty();
    assertThat(kind().obstacles(state(KEY, false), host().segment(segment(KEY, ID, 1)))).singleElement()
        .extracting(Obstacle::reason).asString().contains("others have it attached");
    assertThat(kind().obstacles(state(KEY, false), new MemoryHost())).singleElement()
        .extracting(Obstacle::remedy).asString().contains("CAP_CHECKPOINT_RESTORE");
  }
}

package stasis.kinds.group.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.MemoryContract;
import stasis.kinds.fake.MemoryHost;
import stasis.kinds.group.mm.Mm.Exe;
import stasis.kinds.group.mm.Mm.Layout;
import stasis.kinds.group.mm.Mm.State;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.GroupAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class MmTest extends MemoryContract<State> {
  private static final Bytes AUXV = Bytes.ofU64(6, 4096, 0, 0);
  private static final FileStat EXE = stat(FileStat.S_IFREG | 0755, 7, 1, 100);

  private static FakeGroup group() {
    FakeGroup group = new FakeGroup();
    int[] fields = {26, 27, 45, 46, 47, 28, 48, 49, 50, 51};
    for (int i = 0; i < fields.length; i++) {
      group.leader().stat(fields[i], 0x10000 + 0x1000 * i);
    }
    group.leader().file("auxv", new String(AUXV.toArray(), StandardCharsets.ISO_8859_1));
    group.leader().link("exe", "/bin/program").facts("exe", EXE);
    return group;
  }

  private Answers brk() {
    return new Answers(Map.of(kind().questions(new FakeGroup()).getFirst(), new Answer(0x99000, Map.of())));
  }

  @Override
  protected GroupAspect<State> kind() {
    return new Mm();
  }

  @Override
  protected State sample() {
    return new State(new Layout(0x10000, 0x11000, 0x12000, 0x13000, 0x14000, 0x99000, 0x15000, 0x16000, 0x17000,
        0x18000, 0x19000), AUXV, new Exe.Named(PathBytes.of("/bin/program")));
  }

  @Override
  protected void program(Script script) {
    kind().restore(sample(), script, REFS);
    kind().restore(new State(sample().layout(), AUXV, new Exe.Pathless(new ObjectId(100))), script, REFS);
  }

  @Test
  void theBreakIsAskedForTheRestIsInProc() throws ObstructedException {
    assertThat(kind().checkpoint(group(), brk())).contains(sample());
  }

  @Test
  void aDeletedProgramIsABody() throws ObstructedException {
    FakeGroup group = group();
    group.leader().link("exe", "/bin/program (deleted)").facts("exe", stat(FileStat.S_IFREG | 0755, 7, 0, 100));
    State state = kind().checkpoint(group, brk()).orElseThrow();
    assertThat(state.exe()).isInstanceOf(Exe.Pathless.class);
    assertThat(kind().needs(state)).hasSize(1);
    group.leader().facts("exe", EXE);
    assertThatThrownBy(() -> kind().checkpoint(group, brk())).as("it has a name still")
        .isInstanceOf(ObstructedException.class);
  }

  @Test
  void aLayoutTheKernelHidesIsRefused() {
    FakeGroup group = group();
    group.leader().stat(26, 1);
    assertThatThrownBy(() -> kind().checkpoint(group, brk())).hasMessageContaining("CAP_SYS_PTRACE");
  }

  @Test
  void aHostWithoutTheProgramIsAnObstacle() {
    assertThat(kind().obstacles(sample(), new MemoryHost().file("/bin/program", EXE, 1))).isEqualTo(List.of());
    assertThat(kind().obstacles(sample(), new MemoryHost().file("/bin/program", regular(7, 100), 1))).hasSize(1);
    assertThat(kind().obstacles(sample(), new MemoryHost())).hasSize(1);
  }

  @Test
  void anAuxiliaryVectorOfOddLengthIsNotDecoded() {
    assertThatThrownBy(() -> new State(sample().layout(), Bytes.zeros(8), sample().exe()))
        .isInstanceOf(IllegalArgumentException.class);
  }
}

package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.MmState;
import stasis.resource.VmaState;

class InheritanceTest {
  private static final ObjectId FILE = new ObjectId(7);
  private static final ObjectId OTHER = new ObjectId(8);

  private static VmaState vma(long start, long pages, String flags, ObjectId backing) {
    return new VmaState(new RemoteAddress(start << 12), pages << 12, 3, false, 0, flags, "", backing);
  }

  private static MmState mm(VmaState... vmas) {
    return MmState.alone(List.of(vmas), List.of());
  }

  private static Inheritance of(MmState parent, MmState child) {
    return Inheritance.of(parent, child, new TreeMap<>());
  }

  @Test
  void whatLooksAsTheParentsIsTheParents() {
    MmState parent = mm(vma(16, 4, "rd wr", FILE), vma(32, 4, "rd wr", FILE));
    MmState child = mm(vma(16, 4, "rd wr", FILE), vma(64, 4, "rd wr", FILE));

    Inheritance inheritance = of(parent, child);

    assertThat(inheritance.from(child.vmas().getFirst())).contains(parent.vmas().getFirst());
    assertThat(inheritance.from(child.vmas().getLast())).isEmpty();
    assertThat(inheritance.gone()).containsExactly(parent.vmas().getLast());
    assertThat(inheritance.keptPages().runs()).containsExactly(
        new PageScan.Run(new RemoteAddress(16 << 12), 4 << 12));
  }

  @Test
  void anotherFileOrAnotherFlagIsNotTheParents() {
    MmState parent = mm(vma(16, 4, "rd wr", FILE), vma(32, 4, "rd wr", FILE));
    MmState child = mm(vma(16, 4, "rd wr", OTHER), vma(32, 4, "rd wr dd", FILE));

    assertThat(of(parent, child).keptPages().isEmpty()).isTrue();
    assertThat(of(parent, child).gone()).hasSize(2);
  }

  @Test
  void locksAreNotInheritedAndTellNothing() {
    MmState parent = mm(vma(16, 4, "rd wr lo", FILE));
    MmState child = mm(vma(16, 4, "rd wr", FILE));

    assertThat(of(parent, child).from(child.vmas().getFirst())).isPresent();
  }

  @Test
  void oneThatGrewOrShrankSharesWhatBothHave() {
    MmState parent = mm(vma(16, 4, "rd wr", FILE), vma(32, 8, "rd wr", FILE));
    MmState child = mm(vma(16, 9, "rd wr", FILE), vma(32, 2, "rd wr", FILE));

    var runs = new ArrayList<>(of(parent, child).keptPages().runs());

    assertThat(runs.stream().map(PageScan.Run::lengthBytes).toList()).containsExactly(4L << 12, 2L << 12);
  }

  @Test
  void aStackThatGrewDownwardsAndWhatForkLeavesOutAreNotTheParents() {
    MmState parent = mm(vma(16, 4, "rd wr gd", FILE), vma(32, 4, "rd wr dc", FILE), vma(48, 4, "rd wr wf", FILE));
    MmState child = mm(vma(16, 6, "rd wr gd", FILE), vma(32, 4, "rd wr dc", FILE), vma(48, 4, "rd wr wf", FILE));

    assertThat(of(parent, child).keptPages().isEmpty()).isTrue();
    // The child never had what fork leaves out: there is nothing to unmap.
    assertThat(of(parent, child).gone()).extracting(VmaState::start)
        .containsExactly(new RemoteAddress(16 << 12), new RemoteAddress(48 << 12));
  }
}

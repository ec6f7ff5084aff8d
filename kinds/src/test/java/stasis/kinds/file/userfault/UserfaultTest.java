package stasis.kinds.file.userfault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeOpenFile;
import stasis.kinds.fake.MemoryContract;
import stasis.linux.abi.Fd;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Extent;
import stasis.resource.FileKind;
import stasis.resource.HiddenFaults;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class UserfaultTest extends MemoryContract<Userfault.State> {
  private static final Extent PAGES = new Extent(new RemoteAddress(0x7f0000002000L), 0x3000);

  private static FakeOpenFile file(String api) {
    return new FakeOpenFile("anon_inode:[userfaultfd]", 0600, 1, "02004000", "pending:\t0", "total:\t0",
        "API:\t" + api);
  }

  @Override
  protected FileKind<Userfault.State> kind() {
    return new Userfault();
  }

  @Override
  protected Userfault.State sample() {
    return new Userfault.State(1, 04000, true, 1, List.of(new Userfault.Range(PAGES, 3,
        List.of(new Extent(PAGES.start(), 0x1000)))));
  }

  @Override
  protected void program(Script script) {
    kind().restore(sample(), script, REFS);
    kind().connect(sample(), new Fd(9), script, REFS);
  }

  @Test
  void whatWasAgreedOnIsTaken() throws ObstructedException {
    FakeOpenFile file = file("aa:80000001:80000000000001ff").faults(new HiddenFaults(true, true));
    assertThat(kind().checkpoint(file)).isEqualTo(new Userfault.State(1, 04000, true, 1, List.of()));
    assertThat(kind().isLate(sample())).isTrue();
  }

  @Test
  void whatItIsToldOfIsTakenFromTheVmas() throws ObstructedException {
    FakeOpenFile file = file("aa:80000001:1ff").faults(new HiddenFaults(false, true));
    String vma = "7f0000002000-7f0000005000 rw-p 00000000 00:00 0\nVmFlags: rd wr mr mw me um uw ac\n";
    FakeGroup group = file.group().file("smaps", vma);
    assertThat(kind().checkpoint(file).ranges()).containsExactly(new Userfault.Range(PAGES, 3, List.of()));
    group.file("smaps", vma.replace("ac", "lo"));
    assertThatThrownBy(() -> kind().checkpoint(file)).hasMessageContaining("locked");
  }

  @Test
  void oneOfOtherMemoryIsRefused() {
    assertThatThrownBy(() -> kind().checkpoint(file("aa:0:1ff"))).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("CAP_BPF");
    assertThatThrownBy(() -> kind().checkpoint(file("aa:0:1ff").faults(new HiddenFaults(false, false))))
        .hasMessageContaining("another process");
    assertThatThrownBy(() -> kind().checkpoint(file("aa:80000002:1ff").faults(new HiddenFaults(false, true))))
        .hasMessageContaining("UFFD_FEATURE_EVENT_FORK");
  }
}

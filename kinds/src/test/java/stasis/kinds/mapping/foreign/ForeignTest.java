package stasis.kinds.mapping.foreign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.kinds.fake.MemoryHost;
import stasis.procfs.FileStat;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class ForeignTest extends MemoryContract<Foreign.State> {
  @Override
  protected MappingKind<Foreign.State> kind() {
    return new Foreign();
  }

  @Override
  protected Foreign.State sample() {
    return new Foreign.State("nobody can carry it");
  }

  @Override
  protected void program(Script script) {
    // It never comes to one.
  }

  private static FakeMapping named(String name, String flags) {
    return FakeMapping.of("7f0000000000-7f0000200000 rw-s 00000000 00:11 9   " + name, flags);
  }

  @ParameterizedTest
  @CsvSource({"/anon_hugepage (deleted), huge pages",
      "/secretmem (deleted), memfd_secret", "anon_inode:[io_uring], io_uring", "anon_inode:[perf_event], counter",
      "socket:[4711], socket:[4711]", "[uprobes], uprobe", "/moved/away, path does not lead"})
  void isRefusedByWhatItIs(String name, String reason) {
    assertThatThrownBy(() -> kind().checkpoint(named(name, "rd wr sh mr mw me ms")))
        .isInstanceOf(ObstructedException.class).hasMessageContaining(reason).hasMessageContaining("vma 7f0000000000");
  }

  @Test
  void aFileOfHugetlbfsIsRefusedAsHugePages() {
    assertThatThrownBy(() -> kind().checkpoint(named("/huge/x", "rd wr sh mr mw me ms de ht").facts(regular(9, 1))))
        .hasMessageContaining("huge pages");
  }

  @Test
  void aDeviceIsRefusedAsDevice() {
    FakeMapping device = named("/dev/fb0", "rd wr sh mr mw me ms pf io de dd")
        .facts(stat(FileStat.S_IFCHR | 0600, 9, 1, 0));
    assertThatThrownBy(() -> kind().checkpoint(device)).hasMessageContaining("memory of a device");
  }

  @Test
  void aStatefileThatHoldsOneIsRefused() {
    assertThat(kind().obstacles(sample(), new MemoryHost())).hasSize(1);
  }
}

package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.PathBytes;
import stasis.procfs.Device;
import stasis.procfs.FileStat;
import stasis.procfs.ShmSegment;
import stasis.resource.Host;

/// What a host answers in text is what it answers in person.
final class HostQuestionTest {
  private static final PathBytes PATH = PathBytes.of("/a file/\u00fc");
  private static final FileStat FILE = new FileStat(new Device(254, 3), 77, 0100755, 2, new Device(1, 1 << 19),
      1L << 40, Instant.ofEpochSecond(1_700_000_000, 123_456_789));

  /// One that has something of everything.
  private static final class Rich implements Host {
    @Override
    public Optional<FileStat> file(PathBytes path) {
      return path.equals(PATH) ? Optional.of(FILE) : Optional.empty();
    }

    @Override
    public boolean isBound(PathBytes socketFile) {
      return socketFile.equals(PATH);
    }

    @Override
    public boolean hasAddress(Bytes socketAddress) {
      return socketAddress.equals(Bytes.hex("0200"));
    }

    @Override
    public List<ShmSegment> shmSegments() {
      return List.of(new ShmSegment(-5, 3, 01600, 8192, 2, 0, 65534), new ShmSegment(7, 4, 0600, 1, 0, 1, 1));
    }

    @Override
    public String systemVIpc(String sort) {
      return sort.equals("sem") ? "head\nline\n" : "";
    }

    @Override
    public boolean hasMessageQueue(String name) {
      return name.equals("a b");
    }

    @Override
    public Optional<Long> checksum(PathBytes path, long offset, long lengthBytes) {
      return path.equals(PATH) && offset == 4096 ? Optional.of(-2L - lengthBytes) : Optional.empty();
    }

    @Override
    public Bytes vdsoDigest() {
      return Bytes.hex("00ff");
    }

    @Override
    public long xfeatures() {
      return 0x80000000000000e7L;
    }

    @Override
    public Set<String> capabilities() {
      return Set.of("CAP_KILL", "CAP_BPF");
    }

    @Override
    public long maxOpenFiles() {
      return -1;
    }

    @Override
    public Optional<String> inherited(String file) {
      return file.equals("empty") ? Optional.of("") : file.equals("limits") ? Optional.of("a\nb") : Optional.empty();
    }
  }

  @Test
  void everyAnswerSurvivesTheWayThroughText() {
    Host live = new Rich();
    AskedHost asked = new AskedHost(question -> Optional.of(HostQuestion.answer(live, question)));
    PathBytes other = PathBytes.of("/none");

    assertThat(asked.file(PATH)).contains(FILE);
    assertThat(asked.file(other)).isEmpty();
    assertThat(asked.isBound(PATH)).isTrue();
    assertThat(asked.isBound(other)).isFalse();
    assertThat(asked.hasAddress(Bytes.hex("0200"))).isTrue();
    assertThat(asked.hasAddress(Bytes.hex("0a00"))).isFalse();
    assertThat(asked.shmSegments()).isEqualTo(live.shmSegments());
    assertThat(asked.systemVIpc("sem")).isEqualTo("head\nline\n");
    assertThat(asked.systemVIpc("msg")).isEmpty();
    assertThat(asked.hasMessageQueue("a b")).isTrue();
    assertThat(asked.hasMessageQueue("none")).isFalse();
    assertThat(asked.checksum(PATH, 4096, 12)).contains(-14L);
    assertThat(asked.checksum(PATH, 0, 12)).isEmpty();
    assertThat(asked.vdsoDigest()).isEqualTo(live.vdsoDigest());
    assertThat(asked.xfeatures()).isEqualTo(live.xfeatures());
    assertThat(asked.capabilities()).isEqualTo(live.capabilities());
    assertThat(asked.maxOpenFiles()).isEqualTo(-1);
    assertThat(asked.inherited("limits")).contains("a\nb");
    assertThat(asked.inherited("empty")).contains("");
    assertThat(asked.inherited("missing")).isEmpty();
    assertThat(asked.asked()).hasSize(20).contains("file /a file/\u00fc", "checksum 4096 12 /a file/\u00fc");
    assertThat(asked.unanswered()).isEmpty();
  }

  @Test
  void whatAReportSaysNothingOfIsNamed() {
    AskedHost asked = new AskedHost(question -> Optional.ofNullable(Map.of("xfeatures", "e7").get(question)));

    assertThat(asked.xfeatures()).isEqualTo(0xe7);
    assertThat(asked.file(PATH)).isEmpty();
    assertThat(asked.maxOpenFiles()).isZero();
    assertThat(asked.unanswered()).containsExactly("file /a file/\u00fc", "open-files");
  }

  @Test
  void whatIsNoQuestionOrNoAnswerIsSaid() {
    assertThatThrownBy(() -> HostQuestion.answer(new Rich(), "colour of the sky"))
        .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("colour of the sky");
    assertThatThrownBy(() -> HostQuestion.answer(new Rich(), "checksum 1 2"))
        .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("lacks");
    assertThatThrownBy(() -> new AskedHost(_ -> Optional.of("x y")).file(PATH))
        .isInstanceOf(IllegalArgumentException.class);
  }
}

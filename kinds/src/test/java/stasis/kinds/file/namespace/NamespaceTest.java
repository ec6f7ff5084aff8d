package stasis.kinds.file.namespace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class NamespaceTest extends AspectContract<NamespaceFile.State> {
  private final NamespaceFile kind = new NamespaceFile();

  @Override
  protected Kind<NamespaceFile.State> kind() {
    return kind;
  }

  @Override
  protected NamespaceFile.State sample() {
    return new NamespaceFile.State("net", 0100000);
  }

  private static FakeOpenFile file(String link, String own) {
    return new FakeOpenFile(link, FileStat.S_IFREG | 0444, 1, "0100000").answering(Nr.READLINKAT,
        new Answer(own.length(), Map.of(2, Bytes.cString(own))));
  }

  @Test
  void theEnginesOwnNamespaceIsCarriedAndNoOther() throws ObstructedException {
    assertThat(kind.checkpoint(file("net:[4026531833]", "net:[4026531833]"))).isEqualTo(sample());
    assertThatThrownBy(() -> kind.checkpoint(file("net:[4026531834]", "net:[4026531833]")))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("engine");
  }

  @Test
  void pipesAndSocketsAreNoNamespaces() {
    assertThat(kind.recognises(file("net:[1]", "x"))).isTrue();
    assertThat(kind.recognises(file("pipe:[1]", "x"))).isFalse();
    assertThat(kind.recognises(file("/srv/net:[1]", "x"))).isFalse();
  }
}

package stasis.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Bytes;

class CertificateTest {
  private static final Bytes METADATA = Bytes.hex("cafe");

  private static Certificate certificate() {
    return new Certificate("0.1.0", "6.18", "CPU", 1, 2, Certificate.digest(METADATA), 3,
        List.of(new Certificate.Compared("core.task", 3, 0), new Certificate.Compared("file.regular", 4, 1)), 8192,
        Bytes.zeros(32), List.of(new Certificate.Unproven("task 4711 fd 5", "file.regular", "its locks")));
  }

  @Test
  void itComesBackAndNamesItsImage() throws Exception {
    Certificate read = Certificate.decode(certificate().encode(), Limits.DEFAULT);

    assertThat(read).isEqualTo(certificate());
    assertThat(read.objects()).isEqualTo(8);
    assertThat(read.isFor(METADATA)).isTrue();
    assertThat(read.isFor(Bytes.hex("cafd"))).isFalse();
  }

  @Test
  void whatIsCutShortIsNone() {
    Bytes encoded = certificate().encode();
    assertThatThrownBy(() -> Certificate.decode(encoded.slice(0, encoded.length() - 3), Limits.DEFAULT))
        .isInstanceOf(DecodeException.class);
  }

  @Test
  void itsLayoutIsGolden() throws Exception {
    try (var golden = CertificateTest.class.getResourceAsStream("certificate.schema")) {
      assertThat(Certificate.descriptor().describe()).isEqualTo(new String(golden.readAllBytes(),
          StandardCharsets.UTF_8));
    }
  }
}

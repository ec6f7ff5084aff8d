package stasis.kinds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.kinds.socket.SocketAddress;
import stasis.linux.abi.Bytes;

class AddressMapTest {
  @ParameterizedTest
  @CsvSource({"10.0.0.1=10.0.0.2, 0200005c0a000001, 0200005c0a000002", "10.0.0.1:92=10.0.0.2:93, 0200005c0a000001,"
      + " 0200005d0a000002", "10.0.0.1:80=10.0.0.2:93, 0200005c0a000001, 0200005c0a000001",
      "0.0.0.0:92=0.0.0.0:93, 0200005c00000000, 0200005d00000000"})
  void anAddressBecomesTheOneOfItsRule(String rule, String old, String expected) {
    Bytes padding = Bytes.zeros(8);

    assertThat(new SocketAddress(Bytes.hex(old).concat(padding)).mapped(new AddressMap(List.of(AddressMap.rule(rule))))
        .bytes()).isEqualTo(Bytes.hex(expected).concat(padding));
  }

  @Test
  void theScopeAndTheClothesOfAnIpv6AddressStay() {
    var map = new AddressMap(List.of(AddressMap.rule("fe80::1=fe80::2"), AddressMap.rule("10.0.0.1=10.0.0.2")));
    Bytes local = Bytes.hex("0a00005c00000007fe80000000000000000000000000000102000000");
    Bytes clothed = Bytes.hex("0a00005c0000000000000000000000000000ffff0a00000100000000");

    assertThat(new SocketAddress(local).mapped(map).bytes())
        .isEqualTo(Bytes.hex("0a00005c00000007fe80000000000000000000000000000202000000"));
    assertThat(new SocketAddress(clothed).mapped(map).bytes())
        .isEqualTo(Bytes.hex("0a00005c0000000000000000000000000000ffff0a00000200000000"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"10.0.0.1", "10.0.0.1=", "10.0.0.1=host", "10.0.0.1:80=10.0.0.2", "10.0.0.1=::1",
      "10.0.0.1:99999=10.0.0.2:1", "[::1=::2", "::ffff:1.2.3.4=::1", "1.2.3.4.5=1.2.3.4", "300.0.0.1=10.0.0.1"})
  void whatIsNoRuleIsRefused(String text) {
    assertThatThrownBy(() -> AddressMap.rule(text)).isInstanceOf(IllegalArgumentException.class);
  }
}

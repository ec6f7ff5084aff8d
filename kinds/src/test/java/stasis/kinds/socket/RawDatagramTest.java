package stasis.kinds.socket;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.linux.abi.Bytes;

class RawDatagramTest {
  @Test
  void anIpv4DatagramHasLengthsAddressesAndAChecksumThatAddsUp() {
    SocketAddress from = new SocketAddress(Bytes.hex("020000357f0000020000000000000000"));
    Bytes packet = RawDatagram.of(17, from, Bytes.hex("7f000001"), 8080, Bytes.hex("616263"));

    assertThat(packet.toHex()).startsWith("4500001f0000000040110000" + "7f000002" + "7f000001" + "00351f90000b")
        .endsWith("616263");
    assertThat(sum(packet.slice(12, 8), packet.slice(20, 11), 17)).isEqualTo(0xffff);
  }

  @Test
  void anIpv6DatagramHasTheChecksumThatIpv6Demands() {
    Bytes loopback = Bytes.zeros(15).concat(Bytes.hex("01"));
    SocketAddress from = new SocketAddress(Bytes.hex("0a00003500000000").concat(loopback).concat(Bytes.zeros(4)));
    Bytes packet = RawDatagram.of(17, from, loopback, 53, Bytes.hex("ff"));

    assertThat(packet.toHex()).startsWith("6000000000091140");
    assertThat(sum(packet.slice(8, 32), packet.slice(40, 9), 17)).isEqualTo(0xffff);
  }

  @Test
  void theLengthOfUdpLiteIsItsCoverageWhichIsAll() {
    SocketAddress from = new SocketAddress(Bytes.hex("020000357f0000020000000000000000"));

    assertThat(RawDatagram.of(136, from, Bytes.hex("7f000001"), 8080, Bytes.EMPTY).toHex()).contains("00351f900000");
  }

  private static int sum(Bytes hosts, Bytes datagram, int protocol) {
    long sum = (long) protocol + datagram.length();
    for (Bytes part : new Bytes[] {hosts, datagram.concat(Bytes.zeros(datagram.length() & 1))}) {
      for (int i = 0; i < part.length(); i += 2) {
        sum += (long) part.u8(i) << 8 | part.u8(i + 1);
      }
    }
    while (sum >> 16 != 0) {
      sum = (sum & 0xffff) + (sum >> 16);
    }
    return (int) sum;
  }
}

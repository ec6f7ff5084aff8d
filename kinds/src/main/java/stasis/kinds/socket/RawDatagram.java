package stasis.kinds.socket;

import java.nio.ByteBuffer;
import stasis.linux.abi.Bytes;

/// A UDP or UDP-Lite datagram with its IP header, as a raw socket sends it (raw(7), IPPROTO_RAW): so it has the source
/// address it should have, whoever holds that.
final class RawDatagram {
  private static final int V4_HEADER = 20;
  private static final int V6_HEADER = 40;
  private static final int UDP_HEADER = 8;
  private static final int TCP_HEADER = 20;
  private static final int IPPROTO_TCP = 6;
  static final int FIN = 0x1;
  static final int URG = 0x20;
  private static final int ACK = 0x10;
  private static final int TTL = 64;

  private RawDatagram() {}

  /// @param protocol IPPROTO_UDP or IPPROTO_UDPLITE; both hosts are of one family
  static Bytes of(int protocol, SocketAddress from, Bytes toHost, int toPort, Bytes payload) {
    int udpBytes = UDP_HEADER + payload.length();
    ByteBuffer out = packet(protocol, from.host(), toHost, udpBytes);
    int udpAt = out.position();
    // The length of UDP-Lite is its coverage; 0 is all.
    out.putShort((short) from.port()).putShort((short) toPort)
        .putShort((short) (protocol == OptionTable.IPPROTO_UDPLITE ? 0 : udpBytes)).putShort((short) 0);
    out.put(payload.toArray());
    int sum = checksum(content(out), udpAt, pseudo(from.host()) + pseudo(toHost) + protocol + udpBytes);
    out.putShort(udpAt + 6, (short) (sum == 0 ? 0xffff : sum));
    return Bytes.of(content(out));
  }

  /// A segment of a TCP connection, with ACK.
  ///
  /// @param flags FIN, or URG for a first byte that is urgent @param window as in the header, scaled
  static Bytes segment(SocketAddress from, SocketAddress to, int flags, int sequence, int acknowledged, int window,
      Bytes payload) {
    int tcpBytes = TCP_HEADER + payload.length();
    ByteBuffer out = packet(IPPROTO_TCP, from.host(), to.host(), tcpBytes);
    int tcpAt = out.position();
    out.putShort((short) from.port()).putShort((short) to.port()).putInt(sequence).putInt(acknowledged)
        .putShort((short) (TCP_HEADER / 4 << 12 | ACK | flags)).putShort((short) window).putShort((short) 0)
        .putShort((short) ((flags & URG) != 0 ? 1 : 0)).put(payload.toArray());
    int sum = checksum(content(out), tcpAt, pseudo(from.host()) + pseudo(to.host()) + IPPROTO_TCP + tcpBytes);
    out.putShort(tcpAt + 16, (short) sum);
    return Bytes.of(content(out));
  }

  private static byte[] content(ByteBuffer packet) {
    byte[] content = new byte[packet.capacity()];
    packet.get(0, content);
    return content;
  }

  /// With the IP header in it.
  private static ByteBuffer packet(int protocol, Bytes fromHost, Bytes toHost, int contentBytes) {
    boolean v4 = fromHost.length() == 4;
    ByteBuffer out = ByteBuffer.allocate((v4 ? V4_HEADER : V6_HEADER) + contentBytes);
    if (v4) {
      // The kernel fills in identification and checksum (net/ipv4/raw.c, raw_send_hdrinc()).
      out.put((byte) 0x45).put((byte) 0).putShort((short) (V4_HEADER + contentBytes)).putInt(0);
      out.put((byte) TTL).put((byte) protocol).putShort((short) 0);
    } else {
      out.putInt(0x60000000).putShort((short) contentBytes).put((byte) protocol).put((byte) TTL);
    }
    return out.put(fromHost.toArray()).put(toHost.toArray());
  }

  private static long pseudo(Bytes host) {
    return sum(host.toArray(), 0);
  }

  private static long sum(byte[] data, int from) {
    long sum = 0;
    for (int i = from; i < data.length; i += 2) {
      sum += (data[i] & 0xff) << 8 | (i + 1 < data.length ? data[i + 1] & 0xff : 0);
    }
    return sum;
  }

  /// RFC 1071.
  private static int checksum(byte[] data, int from, long start) {
    long sum = start + sum(data, from);
    while (sum >> 16 != 0) {
      sum = (sum & 0xffff) + (sum >> 16);
    }
    return (int) ~sum & 0xffff;
  }
}

package stasis.linux.bpf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.SyscallException;

/// Reads what lies in a queue of packets (include/linux/skbuff.h).
final class SkbReader {
  /// One packet.
  ///
  /// @param head where its headers are kept @param networkAt how far from there that of IP lies, and @param transportAt
  ///     the one behind it @param sequence of its first byte, where it is one of TCP, and @param flags
  ///     of its header @param content from `data` on @param pages of its content, in order
  record Packet(long head, int networkAt, int transportAt, int sequence, int flags, Bytes content, List<Piece> pages) {}

  /// @param page a struct page
  record Piece(long page, int offset, int lengthBytes) {}

  private static final String PAGE = "frags[0].netmem|frags[0].bv_page";
  private static final String LENGTH = "frags[0].len|frags[0].bv_len";
  private static final String OFFSET = "frags[0].offset|frags[0].bv_offset";
  private static final int PACKETS_MAX = 1 << 16;
  private static final int FRAGS_MAX = 64;
  private static final int IOV_MARK = 1;
  private static final int TCPHDR_SYN = 2;

  private final KernelMemory kernel;
  private final Places skb;
  private final Places frags;
  private final int controlAt;

  SkbReader(KernelMemory kernel, Btf btf) throws UnsupportedKernel {
    this.kernel = kernel;
    skb = Places.of(btf, "sk_buff", "next", "len", "data_len", "end", "head", "data", "cb", "network_header",
        "transport_header");
    controlAt = Places.of(btf, "tcp_skb_cb", "tcp_flags").at("tcp_flags");
    frags = Places.of(btf, "skb_shared_info", "nr_frags", "frag_list", "frags[0]", "frags[1]", PAGE, LENGTH, OFFSET);
  }

  /// @param head address of the struct sk_buff_head @param map empty while it is not known: pages then are not read
  List<Packet> read(long head, Optional<PageMap> map) throws SyscallException {
    var packets = new ArrayList<Packet>();
    long at = pointer(head);
    while (at != head && at != 0) {
      if (packets.size() == PACKETS_MAX) {
        throw Places.lost("a queue of packets does not end");
      }
      ByteBuffer buffer = require(at, skb.end());
      packets.add(packet(buffer, map));
      at = buffer.getLong(skb.at("next"));
    }
    return packets;
  }

  private Packet packet(ByteBuffer buffer, Optional<PageMap> map) throws SyscallException {
    int length = buffer.getInt(skb.at("len"));
    int paged = buffer.getInt(skb.at("data_len"));
    long head = buffer.getLong(skb.at("head"));
    if (paged < 0 || length < paged) {
      throw Places.lost("a packet of " + length + " bytes has " + paged + " of them in pages");
    }
    var content = new ByteArrayOutputStream();
    copy(buffer.getLong(skb.at("data")), length - paged, content);
    List<Piece> pieces = paged == 0 ? List.of() : pieces(head + Integer.toUnsignedLong(buffer.getInt(skb.at("end"))));
    if (map.isPresent()) {
      for (Piece piece : pieces) {
        copy(map.get().address(piece.page()) + piece.offset(), piece.lengthBytes(), content);
      }
      if (content.size() != length) {
        throw Places.lost("of a packet of " + length + " bytes " + content.size() + " were found");
      }
    }
    return new Packet(head, Short.toUnsignedInt(buffer.getShort(skb.at("network_header"))),
        Short.toUnsignedInt(buffer.getShort(skb.at("transport_header"))), buffer.getInt(skb.at("cb")),
        buffer.get(skb.at("cb") + controlAt) & 0xff, Bytes.of(content.toByteArray()), pieces);
  }

  /// @param shared address of the struct skb_shared_info
  private List<Piece> pieces(long shared) throws SyscallException {
    ByteBuffer info = require(shared, frags.at("frags[0]"));
    int count = info.get(frags.at("nr_frags")) & 0xff;
    if (info.getLong(frags.at("frag_list")) != 0 || count > FRAGS_MAX) {
      throw Places.lost("a packet is a list of packets");
    }
    int stride = frags.at("frags[1]") - frags.at("frags[0]");
    ByteBuffer all = require(shared + frags.at("frags[0]"), count * stride);
    var pieces = new ArrayList<Piece>();
    for (int i = 0; i < count; i++) {
      int at = i * stride - frags.at("frags[0]");
      long page = all.getLong(at + frags.at(PAGE));
      if ((page & IOV_MARK) != 0) {
        throw Places.lost("a packet lies in the memory of a device");
      }
      pieces.add(new Piece(page, all.getInt(at + frags.at(OFFSET)),
          all.getInt(at + frags.at(LENGTH))));
    }
    return pieces;
  }

  private void copy(long from, int lengthBytes, ByteArrayOutputStream into) throws SyscallException {
    for (int at = 0; at < lengthBytes; at += KernelMemory.PIECE_BYTES) {
      into.writeBytes(require(from + at, Math.min(KernelMemory.PIECE_BYTES, lengthBytes - at)).array());
    }
  }

  private ByteBuffer require(long address, int lengthBytes) throws SyscallException {
    return kernel.read(address, lengthBytes).orElseThrow(() -> Places.lost("nothing is mapped where a packet was"));
  }

  private long pointer(long address) throws SyscallException {
    return require(address, Long.BYTES).getLong(0);
  }

  /// The stream from `first` up to `end`, both sequence numbers; packets may repeat what others have.
  ///
  /// @throws SyscallException for one with a hole
  static Bytes stream(List<Packet> packets, int first, int end) throws SyscallException {
    var stream = new ByteArrayOutputStream();
    for (Packet packet : packets) {
      int sequence = packet.sequence() + ((packet.flags() & TCPHDR_SYN) != 0 ? 1 : 0);
      int known = first + stream.size() - sequence;
      if (known < 0) {
        throw Places.lost("a stream has a hole of " + -known + " bytes");
      }
      if (known < packet.content().length()) {
        stream.writeBytes(packet.content().slice(known, packet.content().length() - known).toArray());
      }
    }
    if (stream.size() != end - first) {
      throw Places.lost("of " + (end - first) + " bytes " + stream.size() + " were found");
    }
    return Bytes.of(stream.toByteArray());
  }
}

package stasis.linux.bpf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.SyscallException;

/// What a socket of Multipath TCP was given and its peer has not acknowledged (net/mptcp/protocol.h, rtx_queue): pieces
/// of pages, each with a struct mptcp_data_frag.
final class MultipathQueue {
  private static final int FRAGMENTS_MAX = 1 << 16;

  private final KernelMemory kernel;
  private final PageMap map;
  private final Places socket;
  private final Places fragment;

  private MultipathQueue(KernelMemory kernel, PageMap map, Places socket, Places fragment) {
    this.kernel = kernel;
    this.map = map;
    this.socket = socket;
    this.fragment = fragment;
  }

  /// Empty on a kernel without Multipath TCP.
  static Optional<MultipathQueue> of(KernelMemory kernel, PageMap map, Btf btf) {
    try {
      return Optional.of(new MultipathQueue(kernel, map, Places.of(btf, "mptcp_sock", "rtx_queue"),
          Places.of(btf, "mptcp_data_frag", "list.next", "data_seq", "data_len", "offset", "page")));
    } catch (UnsupportedKernel e) {
      return Optional.empty();
    }
  }

  /// The bytes from `first`, a sequence number of 64 bits.
  ///
  /// @param sk address of its struct sock
  Bytes read(long sk, long first, int lengthBytes) throws SyscallException {
    var found = new ByteArrayOutputStream(lengthBytes);
    long head = sk + socket.at("rtx_queue");
    long at = require(head, Long.BYTES).getLong(0);
    for (int count = 0; at != head && found.size() < lengthBytes; count++) {
      if (count == FRAGMENTS_MAX) {
        throw Places.lost("the queue of a socket of Multipath TCP does not end");
      }
      ByteBuffer piece = require(at, fragment.end());
      long skip = first + found.size() - piece.getLong(fragment.at("data_seq"));
      int length = Short.toUnsignedInt(piece.getShort(fragment.at("data_len")));
      if (skip < 0) {
        throw Places.lost("a stream has a hole of " + -skip + " bytes");
      }
      if (skip < length) {
        long data = map.address(piece.getLong(fragment.at("page")))
            + Short.toUnsignedInt(piece.getShort(fragment.at("offset")));
        copy(data + skip, (int) Math.min(length - skip, lengthBytes - found.size()), found);
      }
      at = piece.getLong(fragment.at("list.next"));
    }
    if (found.size() != lengthBytes) {
      throw Places.lost("of " + lengthBytes + " bytes to be sent " + found.size() + " were found");
    }
    return Bytes.of(found.toByteArray());
  }

  private void copy(long from, int lengthBytes, ByteArrayOutputStream into) throws SyscallException {
    for (int at = 0; at < lengthBytes; at += KernelMemory.PIECE_BYTES) {
      into.writeBytes(require(from + at, Math.min(KernelMemory.PIECE_BYTES, lengthBytes - at)).array());
    }
  }

  private ByteBuffer require(long address, int lengthBytes) throws SyscallException {
    return kernel.read(address, lengthBytes).orElseThrow(() -> Places.lost("nothing is mapped where a queue was"));
  }
}

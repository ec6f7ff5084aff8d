package stasis.linux.bpf;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.SyscallException;

/// A message in a POSIX message queue, which only mq_receive(3) would show, and take away.
public record KernelMessage(int priority, Bytes text) {
  private static final int PAGE = 4096;
  private static final int MESSAGES_MAX = 1 << 16;
  /// HARD_MSGSIZEMAX (include/linux/ipc_namespace.h).
  private static final long BYTES_MAX = 16 << 20;

  /// All that wait, as they are received: by priority, then by age.
  ///
  /// @param queue address of the mqueue_inode_info
  static List<KernelMessage> of(KernelWords words, KernelMemory memory, long queue)
      throws SyscallException, UnsupportedKernel {
    var reading = new Reading(words, memory, new ArrayList<>());
    reading.node(words.u64(queue + words.offset("mqueue_inode_info", "msg_tree")
        + words.offset("rb_root", "rb_node")));
    return List.copyOf(reading.found());
  }

  /// Address of the mqueue_inode_info below a descriptor.
  ///
  /// @param files address of the files_struct of a task that has the queue open @param fd where
  static long queue(KernelWords words, long files, int fd) throws SyscallException, UnsupportedKernel {
    return words.u64(KernelWatch.file(words, files, fd) + words.offset("file", "f_inode"))
        - words.offset("mqueue_inode_info", "vfs_inode");
  }

  private record Reading(KernelWords words, KernelMemory memory, List<KernelMessage> found) {
    /// A tree by priority, of lists by age (ipc/mqueue.c, msg_insert()).
    void node(long rbNode) throws SyscallException, UnsupportedKernel {
      if (rbNode == 0) {
        return;
      }
      node(words.u64(rbNode + words.offset("rb_node", "rb_right")));
      long leaf = rbNode - words.offset("posix_msg_tree_node", "rb_node");
      long head = leaf + words.offset("posix_msg_tree_node", "msg_list");
      int priority = words.u32(leaf + words.offset("posix_msg_tree_node", "priority"));
      for (long at = words.u64(head); at != head; at = words.u64(at)) {
        if (at == 0 || found.size() >= MESSAGES_MAX) {
          throw new UnsupportedKernel("a list of messages that does not end");
        }
        found.add(new KernelMessage(priority, text(at - words.offset("msg_msg", "m_list"))));
      }
      node(words.u64(rbNode + words.offset("rb_node", "rb_left")));
    }

    /// The text stands behind the head of a message, then behind those of its further pages (ipc/msgutil.c).
    private Bytes text(long message) throws SyscallException, UnsupportedKernel {
      long length = words.u64(message + words.offset("msg_msg", "m_ts"));
      if (length < 0 || length > BYTES_MAX) {
        throw new UnsupportedKernel("a message of " + length + " bytes");
      }
      int head = words.offset("msg_msg", "security") + Long.BYTES;
      ByteBuffer text = ByteBuffer.allocate((int) length);
      take(text, message + head, PAGE - head);
      long next = words.u64(message + words.offset("msg_msg", "next"));
      while (text.hasRemaining()) {
        if (next == 0) {
          throw new UnsupportedKernel("a message that ends before its length");
        }
        take(text, next + Long.BYTES, PAGE - Long.BYTES);
        next = words.u64(next);
      }
      return Bytes.of(text.array());
    }

    private void take(ByteBuffer text, long from, int room) throws SyscallException, UnsupportedKernel {
      int length = Math.min(text.remaining(), room);
      if (length > 0) {
        text.put(memory.read(from, length)
            .orElseThrow(() -> new UnsupportedKernel("a message that cannot be read")).slice(0, length));
      }
    }
  }
}

package stasis.resource;

import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;

/// An open socket of family AF_UNIX: what sock_diag(7) says of it, and what waits in it.
///
/// @param type SOCK_* @param state TCP_*: 1 connected, 7 neither, 10 listening @param inode as fstat(2) has it
/// @param name sun_path of its address: a path without NUL, an abstract name with its first NUL, nothing
/// @param fileInode low 32 bits of the inode of the socket file it was bound to
/// @param peer inode of the socket it is connected to; 0 for one nobody has open: closed, or not accepted yet
/// @param peers inodes of all sockets of the network namespace that are connected to it
/// @param waiting of a listening socket: inodes of those whose connection is not accepted, oldest first; 0 for one
///     closed since
/// @param backlog of a listening socket @param unsent bytes it has sent that are unread
/// @param shutdown 1 nothing more is received, 2 nothing more can be sent, 3 both
/// @param queue unread messages, oldest first
public record UnixSocket(int type, int state, long inode, Bytes name, Optional<Long> fileInode, Optional<Long> peer,
    List<Long> peers, List<Long> waiting, int backlog, int unsent, int shutdown, List<Message> queue) {
  public static final int CONNECTED = 1;
  public static final int LISTENING = 10;

  public UnixSocket {
    peers = List.copyOf(peers);
    waiting = List.copyOf(waiting);
    queue = List.copyOf(queue);
  }

  /// A message in flight; of a stream, bytes that one read may give.
  ///
  /// @param source the sender's address, as `name` @param sender as SCM_CREDENTIALS has it
  /// @param files in flight with it (SCM_RIGHTS)
  public record Message(Bytes data, Bytes source, Optional<Sender> sender, List<ObjectId> files) {
    public Message {
      files = List.copyOf(files);
    }
  }

  /// @param pid in the engine's pid namespace
  public record Sender(int pid, int uid, int gid) {}
}

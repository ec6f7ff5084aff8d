package stasis.kinds.socket;

import java.util.Optional;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.OpenFile;

/// One option of a socket, as getsockopt(2) told it.
///
/// @param level SOL_SOCKET, IPPROTO_TCP and so on @param name of getsockopt(2)
public record SocketOption(@Tag(1) int level, @Tag(2) int name, @Tag(3) Bytes value) {
  /// @param roomBytes how long the value may be @return empty for a socket that has no such option
  public static Optional<Bytes> read(OpenFile file, int level, int name, int roomBytes) {
    Answer answer = file.ask(Nr.GETSOCKOPT, Arg.self(), Arg.imm(level), Arg.imm(name), Arg.space(roomBytes),
        Arg.data(Bytes.ofU32(roomBytes)));
    if (answer.failed()) {
      return Optional.empty();
    }
    int length = Math.min(roomBytes, answer.output(4).u32(0));
    return Optional.of(answer.output(3).slice(0, Math.max(0, length)));
  }

  /// An option that is one int; empty for a socket that has no such option.
  public static Optional<Integer> readInt(OpenFile file, int level, int name) {
    return read(file, level, name, 4).filter(value -> value.length() == 4).map(value -> value.u32(0));
  }
}

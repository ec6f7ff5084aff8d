package stasis.kinds.file;

import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;

/// Whose an open file is, also one that no path leads to: statx(2) of the description itself.
///
/// @param uid owner @param gid group, both in the engine's user namespace
public record FileOwner(int uid, int gid) {
  /// `struct statx`, the same on every architecture (include/uapi/linux/stat.h).
  private static final int STATX_BYTES = 256;
  private static final int UID_OFFSET = 20;
  private static final int GID_OFFSET = 24;
  private static final int STATX_BASIC_STATS = 0x7ff;

  /// @throws ObstructedException when the kernel will not tell
  public static FileOwner of(OpenFile file) throws ObstructedException {
    Answer stat = file.ask(Nr.STATX, Arg.self(), Arg.string(""), Arg.imm(Open.AT_EMPTY_PATH),
        Arg.imm(STATX_BASIC_STATS), Arg.space(STATX_BYTES));
    if (stat.failed()) {
      throw new ObstructedException(file.subject(), "its owner cannot be read", "run with CAP_SYS_PTRACE");
    }
    return new FileOwner(stat.output(4).u32(UID_OFFSET), stat.output(4).u32(GID_OFFSET));
  }
}

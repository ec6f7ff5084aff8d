package stasis.engine;

import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.resource.Arg;
import stasis.resource.HiddenMessage;
import stasis.resource.SeenQueue;

/// What a POSIX message queue is that the engine has open.
record QueueLook(OwnCopy copy, HiddenRings kernel) {
  private static final int ATTRIBUTES_BYTES = 64;
  private static final int MOST_AT = 8;
  private static final int SIZE_AT = 16;
  private static final int COUNT_AT = 24;
  /// struct statx (uapi/linux/stat.h).
  private static final int STATX_BYTES = 256;
  private static final int STATX_BASIC_STATS = 0x7ff;
  private static final int UID_AT = 20;
  private static final int GID_AT = 24;
  private static final int MODE_AT = 28;
  private static final int INODE_AT = 32;
  private static final int DEVICE_MAJOR_AT = 136;
  private static final int DEVICE_MINOR_AT = 140;

  SeenQueue of(String name) {
    Bytes stat = copy.ask(Nr.STATX, List.of(Arg.self(), Arg.string(""), Arg.imm(Open.AT_EMPTY_PATH),
        Arg.imm(STATX_BASIC_STATS), Arg.space(STATX_BYTES))).output(4);
    Bytes room = copy.ask(Nr.MQ_GETSETATTR, List.of(Arg.self(), Arg.imm(0), Arg.space(ATTRIBUTES_BYTES))).output(2);
    Optional<List<HiddenMessage>> messages = room.u64(COUNT_AT) == 0 ? Optional.of(List.of())
        : kernel.messages(copy.fd()).filter(all -> all.size() == room.u64(COUNT_AT));
    return new SeenQueue(name, new stasis.procfs.Device(stat.u32(DEVICE_MAJOR_AT), stat.u32(DEVICE_MINOR_AT)).stat(),
        stat.u64(INODE_AT), stat.u16(MODE_AT), stat.u32(UID_AT), stat.u32(GID_AT), room.u64(MOST_AT),
        room.u64(SIZE_AT), messages);
  }
}

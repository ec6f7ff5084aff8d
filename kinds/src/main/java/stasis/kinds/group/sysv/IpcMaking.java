package stasis.kinds.group.sysv;

import stasis.kinds.group.sysv.SystemVIpc.Identity;
import stasis.kinds.group.sysv.SystemVIpc.Message;
import stasis.kinds.group.sysv.SystemVIpc.Queue;
import stasis.kinds.group.sysv.SystemVIpc.Semaphores;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.resource.Arg;
import stasis.resource.Ref;
import stasis.resource.Script;

/// Makes semaphore sets and message queues that are gone.
final class IpcMaking {
  private static final int IPC_CREAT = 01000;
  private static final int IPC_EXCL = 02000;
  private static final int IPC_NOWAIT = 04000;
  private static final int IPC_SET = 1;
  private static final int SETALL = 17;
  private static final int OWNER = 0600;
  private static final int STRUCT_BYTES = 128;
  private static final int MAX_BYTES_AT = 88;

  private final Script script;

  IpcMaking(Script script) {
    this.script = script;
  }

  void make(Semaphores set) {
    Identity was = set.identity();
    choose("sem", was);
    byCreator(was, Nr.SEMGET, "a semaphore set", Arg.imm(was.key()), Arg.imm(set.values().size()),
        Arg.imm(IPC_CREAT | IPC_EXCL | was.mode() | OWNER));
    byte[] values = new byte[2 * set.values().size()];
    for (int i = 0; i < set.values().size(); i++) {
      values[2 * i] = set.values().get(i).byteValue();
      values[2 * i + 1] = (byte) (set.values().get(i) >> Byte.SIZE);
    }
    script.call(Nr.SEMCTL, "its values", Arg.imm(was.id()), Arg.imm(0), Arg.imm(SETALL), Arg.data(Bytes.of(values)));
    script.call(Nr.SEMCTL, "its owner and mode", Arg.imm(was.id()), Arg.imm(0), Arg.imm(IPC_SET),
        Arg.data(ownership(was)));
  }

  void make(Queue queue) {
    Identity was = queue.identity();
    choose("msg", was);
    byCreator(was, Nr.MSGGET, "a message queue", Arg.imm(was.key()),
        Arg.imm(IPC_CREAT | IPC_EXCL | was.mode() | OWNER));
    for (Message message : queue.messages()) {
      script.call(Nr.MSGSND, "a message of type " + message.type(), Arg.imm(was.id()),
          Arg.data(Bytes.ofU64(message.type()).concat(message.text())), Arg.imm(message.text().length()),
          Arg.imm(IPC_NOWAIT));
    }
    script.call(Nr.MSGCTL, "its owner, mode and room", Arg.imm(was.id()), Arg.imm(IPC_SET),
        Arg.data(ownership(was).withU64(MAX_BYTES_AT, queue.maxBytes())));
  }

  /// The head of `struct semid64_ds` and `struct msqid64_ds`, of which IPC_SET takes owner, mode and room.
  private static Bytes ownership(Identity was) {
    return Bytes.zeros(STRUCT_BYTES).withU32(4, was.uid()).withU32(8, was.gid()).withU32(20, was.mode());
  }

  private void choose(String sort, Identity was) {
    Ref<?> next = script.call(Nr.OPENAT, "choose an id", Arg.imm(Open.AT_FDCWD),
        Arg.path(PathBytes.of("/proc/sys/kernel/" + sort + "_next_id")), Arg.imm(Open.O_WRONLY | Open.O_CLOEXEC));
    String number = Integer.toString(was.id());
    script.callExpecting(number.length(), Nr.WRITE, "the id", Arg.result(next), Arg.string(number),
        Arg.imm(number.length()));
    script.call(Nr.CLOSE, "chosen", Arg.result(next));
  }

  /// No call changes a creator later.
  private void byCreator(Identity was, Nr nr, String what, Arg... args) {
    Ref<?> uid = script.call(Nr.GETEUID, "who we are");
    Ref<?> gid = script.call(Nr.GETEGID, "who we are");
    ids(Nr.SETRESGID, "creator's gid", Arg.imm(was.creatorGid()));
    ids(Nr.SETRESUID, "creator's uid", Arg.imm(was.creatorUid()));
    script.callExpecting(was.id(), nr, what, args);
    ids(Nr.SETRESUID, "ourselves again", Arg.result(uid));
    ids(Nr.SETRESGID, "ourselves again", Arg.result(gid));
  }

  private void ids(Nr nr, String why, Arg effective) {
    script.call(nr, why, Arg.imm(-1), effective, Arg.imm(-1));
  }
}

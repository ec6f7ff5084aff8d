package stasis.kinds.group.sysv;

import java.util.ArrayList;
import java.util.List;
import stasis.kinds.group.sysv.SystemVIpc.Detached;
import stasis.kinds.group.sysv.SystemVIpc.Identity;
import stasis.kinds.group.sysv.SystemVIpc.Message;
import stasis.kinds.group.sysv.SystemVIpc.Queue;
import stasis.kinds.group.sysv.SystemVIpc.Semaphores;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.FrozenTask;
import stasis.resource.HiddenThread;
import stasis.resource.ObstructedException;

/// Finds the semaphore sets and message queues that a tree uses. Which those are nobody keeps; but a semaphore and a
/// queue know who used them last, and the tree knows to which sets it owes something.
final class IpcLook {
  private static final int STAT = 11;
  private static final int MSG_INFO = 12;
  private static final int GETPID = 11;
  private static final int GETALL = 13;
  private static final int SEM_STAT = 18;
  private static final int SEM_INFO = 19;
  private static final int SHM_STAT = 13;
  private static final int SHM_INFO = 14;
  private static final int STRUCT_BYTES = 256;
  private static final int SIZE_AT = 48;
  private static final int CREATOR_AT = 80;
  private static final int LAST_USER_AT = 84;
  private static final int ATTACHES_AT = 88;
  private static final int SEMAPHORES_AT = 80;
  private static final int MESSAGES_AT = 80;
  private static final int MAX_BYTES_AT = 88;
  private static final int LAST_SENDER_AT = 96;
  private static final int LAST_RECEIVER_AT = 100;
  private static final int MSG_COPY = 040000;
  private static final int IPC_NOWAIT = 04000;
  /// MSGMAX may be raised up to this only by who then has to read it (msgget(2), /proc/sys/kernel/msgmax).
  private static final int MESSAGE_BYTES_MAX = 1 << 20;
  private static final int FIRST_TRY_BYTES = 8192;
  private static final int TYPE_BYTES = 8;
  private static final int MAX_OBJECTS = 32768;

  private final FrozenGroup root;
  private final FrozenTask asker;
  private final boolean all;

  /// @param all whatever is there, whoever uses it
  IpcLook(FrozenGroup root, boolean all) {
    this.root = root;
    this.all = all;
    this.asker = root.leader();
  }

  private boolean isOfTree(long pid) {
    return all || pid > 0 && root.tree().stream().anyMatch(group -> group.pid() == pid);
  }

  private Answer semctl(long id, long number, int what, Arg argument) {
    return asker.observe(Nr.SEMCTL, Arg.imm(id), Arg.imm(number), Arg.imm(what), argument);
  }

  private static Identity identity(int id, Bytes found) {
    return new Identity(id, found.u32(0), found.u32(20) & SystemVIpc.PERMISSIONS, found.u32(4), found.u32(8),
        found.u32(12), found.u32(16));
  }

  List<Semaphores> sets() throws ObstructedException {
    var sets = new ArrayList<Semaphores>();
    long highest = semctl(0, 0, SEM_INFO, Arg.space(STRUCT_BYTES)).result();
    for (int index = 0; index <= Math.min(highest, MAX_OBJECTS); index++) {
      Answer found = semctl(index, 0, SEM_STAT, Arg.space(STRUCT_BYTES));
      if (!found.failed()) {
        int id = (int) found.result();
        int size = (int) found.output(3).u64(SEMAPHORES_AT);
        if (all || owes(id) || isUsed(id, size)) {
          sets.add(new Semaphores(identity(id, found.output(3)), values(id, size)));
        }
      }
    }
    return sets;
  }

  private boolean isUsed(int id, int size) {
    for (int number = 0; number < size; number++) {
      if (isOfTree(semctl(id, number, GETPID, Arg.imm(0)).result())) {
        return true;
      }
    }
    return false;
  }

  private List<HiddenThread.Undo> undos(int id) {
    return root.tree().stream().flatMap(group -> group.leader().hidden().stream())
        .flatMap(hidden -> hidden.undos().sets().stream()).filter(undo -> undo.set() == id).toList();
  }

  private boolean owes(int id) {
    return !undos(id).isEmpty();
  }

  /// What is owed is given back by then; whoever owes it takes it again at the restore.
  private List<Integer> values(int id, int size) throws ObstructedException {
    Answer all = semctl(id, 0, GETALL, Arg.space(2 * Math.max(1, size)));
    if (all.failed()) {
      throw new ObstructedException(root.subject(), "the values of semaphore set " + id + ", which it uses, cannot be"
          + " read: " + Errno.of(all.result()), "run the checkpoint as root");
    }
    var values = new ArrayList<Integer>();
    for (int number = 0; number < size; number++) {
      int value = all.output(3).u16(2 * number);
      for (HiddenThread.Undo undo : undos(id)) {
        value += number < undo.adjustments().size() ? undo.adjustments().get(number) : 0;
      }
      values.add(Math.clamp(value, 0, SystemVIpc.MAX_VALUE));
    }
    return values;
  }

  /// Segments of shared memory that the tree made or used last and that nobody has attached.
  List<Detached> segments() throws ObstructedException {
    var segments = new ArrayList<Detached>();
    long highest = shmctl(0, SHM_INFO).result();
    for (int index = 0; index <= Math.min(highest, MAX_OBJECTS); index++) {
      Answer found = shmctl(index, SHM_STAT);
      if (!found.failed() && found.output(2).u64(ATTACHES_AT) == 0 && (isOfTree(found.output(2).u32(CREATOR_AT))
          || isOfTree(found.output(2).u32(LAST_USER_AT)))) {
        segments.add(new Detached((int) found.result(), found.output(2).u32(0), found.output(2).u64(SIZE_AT)));
      }
    }
    return segments;
  }

  private Answer shmctl(long id, int what) {
    return asker.observe(Nr.SHMCTL, Arg.imm(id), Arg.imm(what), Arg.space(STRUCT_BYTES));
  }

  private Answer msgctl(long id, int what) {
    return asker.observe(Nr.MSGCTL, Arg.imm(id), Arg.imm(what), Arg.space(STRUCT_BYTES));
  }

  List<Queue> queues() throws ObstructedException {
    var queues = new ArrayList<Queue>();
    long highest = msgctl(0, MSG_INFO).result();
    for (int index = 0; index <= Math.min(highest, MAX_OBJECTS); index++) {
      Answer found = msgctl(index, STAT);
      if (!found.failed() && (isOfTree(found.output(2).u32(LAST_SENDER_AT))
          || isOfTree(found.output(2).u32(LAST_RECEIVER_AT)))) {
        int id = (int) found.result();
        Bytes stat = found.output(2);
        queues.add(new Queue(identity(id, stat), stat.u64(MAX_BYTES_AT), messages(id, (int) stat.u64(MESSAGES_AT))));
      }
    }
    return queues;
  }

  /// MSG_COPY takes nothing away, and leaves no trace (msgop(2)).
  private List<Message> messages(int id, int count) throws ObstructedException {
    var messages = new ArrayList<Message>();
    for (int number = 0; number < count; number++) {
      Answer copy = copy(id, number, FIRST_TRY_BYTES);
      if (copy.result() == -Errno.E2BIG.number()) {
        copy = copy(id, number, MESSAGE_BYTES_MAX);
      }
      if (copy.failed()) {
        throw new ObstructedException(root.subject(), "message " + number + " of queue " + id + ", which it uses,"
            + " cannot be looked at: " + Errno.of(copy.result()), "run the checkpoint as root");
      }
      messages.add(new Message(copy.output(1).u64(0), copy.output(1).slice(TYPE_BYTES, (int) copy.result())));
    }
    return messages;
  }

  private Answer copy(int id, int number, int bytes) {
    return asker.observe(Nr.MSGRCV, Arg.imm(id), Arg.space(TYPE_BYTES + bytes), Arg.imm(bytes), Arg.imm(number),
        Arg.imm(MSG_COPY | IPC_NOWAIT));
  }
}

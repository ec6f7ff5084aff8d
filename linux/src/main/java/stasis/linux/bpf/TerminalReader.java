package stasis.linux.bpf;

import java.io.ByteArrayOutputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;

/// Reads the queues of pseudoterminals. The masters are open in the thread that is visited, so nothing of them goes
/// away; what moves meanwhile is seen by reading until two looks agree.
final class TerminalReader implements AutoCloseable {
  private static final long MASTER_DEVICE = 5L << 20 | 2;
  private static final int N_TTY = 0;
  private static final int BUFFER_BYTES = 4096;
  private static final int BUFFERS_MAX = 1024;
  private static final int COMING_BYTES_MAX = 1 << 20;
  private static final int LOOKS_MAX = 256;
  private static final int FULL_BYTES = 1024;

  private final TaskReader<TerminalField> files;
  private final KernelMemory memory;
  private final Places places;

  /// Offsets in n_tty_data, tty_port and tty_buffer.
  private record Places(int head, int canonicalHead, int tail, int content, int ends, FieldPlace push,
      FieldPlace literalNext, int echoHead, int echoTail, int queueBytes, int first, int next, int committed, int read,
      int data) {}

  private TerminalReader(TaskReader<TerminalField> files, KernelMemory memory, Places places) {
    this.files = files;
    this.memory = memory;
    this.places = places;
  }

  static TerminalReader of(Btf btf) throws SyscallException, UnsupportedKernel {
    Places places = places(btf);
    TaskReader<TerminalField> files = TaskReader.ofFiles(btf, RecordLayout.of(btf, "file", TerminalField.class));
    try {
      return new TerminalReader(files, KernelMemory.open(), places);
    } catch (SyscallException | UnsupportedKernel e) {
      files.close();
      throw e;
    }
  }

  private static Places places(Btf btf) throws UnsupportedKernel {
    String queue = "n_tty_data";
    return new Places(at(btf, queue, "read_head"), at(btf, queue, "canon_head"), at(btf, queue, "read_tail"),
        at(btf, queue, "read_buf"), at(btf, queue, "read_flags"), place(btf, queue, "push"),
        place(btf, queue, "lnext"), at(btf, queue, "echo_head"), at(btf, queue, "echo_tail"),
        btf.sizeOf(queue).orElseThrow(() -> new UnsupportedKernel("this kernel has no " + queue)),
        at(btf, "tty_port", "buf.head"), at(btf, "tty_buffer", "next"), at(btf, "tty_buffer", "commit"),
        at(btf, "tty_buffer", "read"), at(btf, "tty_buffer", "data"));
  }

  private static int at(Btf btf, String struct, String field) throws UnsupportedKernel {
    return place(btf, struct, field).offsetBytes();
  }

  private static FieldPlace place(Btf btf, String struct, String field) throws UnsupportedKernel {
    return btf.field(struct, field)
        .orElseThrow(() -> new UnsupportedKernel("this kernel's " + struct + " has no " + field));
  }

  /// The pair with this number whose master the thread has open; empty when two of them have it (devpts may be mounted
  /// twice), for another line discipline, and when it does not come to rest.
  Optional<KernelTerminal> read(Tid thread, int number) throws SyscallException {
    Map<Long, Row<TerminalField>> masters = new HashMap<>();
    for (Row<TerminalField> row : files.read(new Visit.One(thread))) {
      if (row.unsigned(TerminalField.DEVICE) == MASTER_DEVICE && row.int32(TerminalField.NUMBER) == number) {
        masters.put(row.unsigned(TerminalField.MASTER), row);
      }
    }
    if (masters.size() != 1) {
      return Optional.empty();
    }
    Row<TerminalField> row = masters.values().iterator().next();
    if (row.int32(TerminalField.MASTER_DISCIPLINE) != N_TTY || row.int32(TerminalField.SLAVE_DISCIPLINE) != N_TTY) {
      return Optional.empty();
    }
    return settled(row);
  }

  private Optional<KernelTerminal> settled(Row<TerminalField> row) throws SyscallException {
    KernelTerminal last = look(row);
    for (int looks = 1; looks < LOOKS_MAX; looks++) {
      KernelTerminal now = look(row);
      if (now.equals(last) && isAtRest(now.output()) && isAtRest(now.input())) {
        return Optional.of(now);
      }
      last = now;
    }
    return Optional.empty();
  }

  /// What comes is taken at once, as long as there is room.
  private static boolean isAtRest(KernelTerminal.Queue queue) {
    return queue.coming().isEmpty() || queue.content().length() >= FULL_BYTES;
  }

  private KernelTerminal look(Row<TerminalField> row) throws SyscallException {
    return new KernelTerminal(
        queue(row.unsigned(TerminalField.MASTER_QUEUE), row.unsigned(TerminalField.MASTER_PORT)),
        queue(row.unsigned(TerminalField.SLAVE_QUEUE), row.unsigned(TerminalField.SLAVE_PORT)),
        row.flag(TerminalField.STOPPED), row.flag(TerminalField.STOPPED_BY_CALL));
  }

  private KernelTerminal.Queue queue(long discipline, long port) throws SyscallException {
    Bytes data = require(discipline, places.queueBytes());
    long tail = data.u64(places.tail());
    int length = bounded(data.u64(places.head()) - tail);
    int lines = Math.min(length, bounded(data.u64(places.canonicalHead()) - tail));
    byte[] content = new byte[length];
    byte[] ends = new byte[length + 7 >>> 3];
    for (int i = 0; i < length; i++) {
      int slot = (int) (tail + i & BUFFER_BYTES - 1);
      content[i] = (byte) data.u8(places.content() + slot);
      if (i < lines && (data.u8(places.ends() + (slot >>> 3)) >>> (slot & 7) & 1) != 0) {
        ends[i >>> 3] |= (byte) (1 << (i & 7));
      }
    }
    return new KernelTerminal.Queue(Bytes.of(content), Bytes.of(ends), lines, flag(data, places.push()),
        flag(data, places.literalNext()), data.u64(places.echoHead()) != data.u64(places.echoTail()),
        coming(port));
  }

  private Bytes require(long address, int lengthBytes) throws SyscallException {
    var all = new ByteArrayOutputStream();
    for (int at = 0; at < lengthBytes; at += KernelMemory.PIECE_BYTES) {
      all.writeBytes(memory.read(address + at, Math.min(KernelMemory.PIECE_BYTES, lengthBytes - at))
          .orElseThrow(() -> new SyscallException(Nr.BPF, Errno.EFAULT, "read the queues of a terminal")).array());
    }
    return Bytes.of(all.toByteArray());
  }

  private static int bounded(long length) {
    return length < 0 || length > BUFFER_BYTES ? 0 : (int) length;
  }

  private static boolean flag(Bytes data, FieldPlace place) {
    return (data.u8(place.offsetBytes()) >>> place.bitShift() & 1) != 0;
  }

  /// What lies in the buffers before the line discipline (drivers/tty/tty_buffer.c, `flush_to_ldisc()`).
  private Bytes coming(long port) throws SyscallException {
    var coming = new ByteArrayOutputStream();
    long buffer = require(port + places.first(), Long.BYTES).u64(0);
    for (int i = 0; i < BUFFERS_MAX && buffer != 0; i++) {
      Bytes header = require(buffer, places.data());
      int from = header.u32(places.read());
      int length = header.u32(places.committed()) - from;
      if (length > 0 && length <= COMING_BYTES_MAX) {
        coming.writeBytes(require(buffer + places.data() + from, length).toArray());
      }
      buffer = header.u64(places.next());
    }
    return Bytes.of(coming.toByteArray());
  }

  @Override
  public void close() {
    memory.close();
    files.close();
  }
}

package stasis.linux.bpf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// bpf(2), the commands an iterator needs. Offsets are those of `union bpf_attr` (include/uapi/linux/bpf.h). Every fd
/// is the caller's to close and is close-on-exec from the kernel on.
final class BpfCalls {
  private static final int MAP_CREATE = 0;
  private static final int MAP_LOOKUP_ELEM = 1;
  private static final int MAP_UPDATE_ELEM = 2;
  private static final int PROG_LOAD = 5;
  private static final int PROG_TEST_RUN = 10;
  private static final int MAP_FREEZE = 22;
  private static final int LINK_CREATE = 28;
  private static final int ITER_CREATE = 33;

  private static final int MAP_TYPE_ARRAY = 2;
  private static final int MAP_TYPE_PERCPU_ARRAY = 6;
  private static final int MAP_RDONLY_PROG = 1 << 7;
  private static final int MAP_MMAPABLE = 1 << 10;
  private static final int PROG_TYPE_TRACING = 26;
  private static final int PROG_TYPE_SYSCALL = 31;
  private static final int PROG_SLEEPABLE = 1 << 4;
  private static final int TRACE_ITER = 28;

  private static final int ATTR_BYTES = 144;
  private static final int LINK_INFO_BYTES = 12;
  private static final int LOG_BYTES = 1 << 16;
  private static final int READ_BYTES = 1 << 16;
  private static final int RECORDS_BYTES_MAX = 1 << 30;
  private static final int RETRIES_MAX = 64;
  private static final String REMEDY =
      "run with CAP_BPF and CAP_PERFMON (or CAP_SYS_ADMIN) in the initial user namespace";

  private BpfCalls() {}

  /// An array map of one value, for programs to write to.
  static int createScratch(int valueBytes) throws SyscallException {
    return createMap(MAP_TYPE_ARRAY, valueBytes, 0, "make room for BPF records");
  }

  /// A map of one word for each CPU.
  static int createPerCpu() throws SyscallException {
    return createMap(MAP_TYPE_PERCPU_ARRAY, Long.BYTES, 0, "make a BPF map for each CPU");
  }

  /// An array map of one value that can be mapped.
  static int createMappable(int valueBytes) throws SyscallException {
    return createMap(MAP_TYPE_ARRAY, valueBytes, MAP_MMAPABLE, "make room for BPF records");
  }

  /// An array map of one value that nobody can change any more, as helpers want their format strings.
  static int createFrozen(byte[] value) throws SyscallException {
    int fd = createMap(MAP_TYPE_ARRAY, value.length, MAP_RDONLY_PROG, "make a BPF format string");
    try {
      update(fd, value);
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment attr = arena.allocate(ATTR_BYTES, 8);
        attr.set(JAVA_INT_UNALIGNED, 0, fd);
        require("freeze a BPF format string", MAP_FREEZE, attr);
      }
    } catch (SyscallException e) {
      close(fd);
      throw e;
    }
    return fd;
  }

  private static int createMap(int type, int valueBytes, int flags, String attempt) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment attr = arena.allocate(ATTR_BYTES, 8);
      attr.set(JAVA_INT_UNALIGNED, 0, type);
      attr.set(JAVA_INT_UNALIGNED, 4, Integer.BYTES);
      attr.set(JAVA_INT_UNALIGNED, 8, valueBytes);
      attr.set(JAVA_INT_UNALIGNED, 12, 1);
      attr.set(JAVA_INT_UNALIGNED, 16, flags);
      return require(attempt, MAP_CREATE, attr);
    }
  }

  /// Sets the one value of a map.
  static void update(int map, byte[] value) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment attr = element(arena, map, arena.allocateFrom(JAVA_BYTE, value));
      require("set a BPF map's value", MAP_UPDATE_ELEM, attr);
    }
  }

  /// The one value of a map.
  static byte[] lookup(int map, int valueBytes) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(valueBytes, 8);
      require("read a BPF map's value", MAP_LOOKUP_ELEM, element(arena, map, value));
      return value.toArray(JAVA_BYTE);
    }
  }

  private static MemorySegment element(Arena arena, int map, MemorySegment value) {
    MemorySegment attr = arena.allocate(ATTR_BYTES, 8);
    attr.set(JAVA_INT_UNALIGNED, 0, map);
    attr.set(JAVA_LONG_UNALIGNED, 8, arena.allocate(Integer.BYTES, 4).address());
    attr.set(JAVA_LONG_UNALIGNED, 16, value.address());
    return attr;
  }

  /// Loads a task iterator program.
  ///
  /// @param attachTo BTF id of `bpf_iter_task`
  /// @throws UnsupportedKernel with the verifier's last words if it does not accept the program
  static int load(long[] program, int attachTo) throws SyscallException, UnsupportedKernel {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment attr = program(arena, program, PROG_TYPE_TRACING);
      attr.set(JAVA_INT_UNALIGNED, 68, TRACE_ITER);
      attr.set(JAVA_INT_UNALIGNED, 108, attachTo);
      return load(arena, attr, "load a BPF task iterator");
    }
  }

  /// Loads a program that [#runOnce] runs (Linux 5.14).
  static int loadCallable(long[] program) throws SyscallException, UnsupportedKernel {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment attr = program(arena, program, PROG_TYPE_SYSCALL);
      attr.set(JAVA_INT_UNALIGNED, 44, PROG_SLEEPABLE);
      return load(arena, attr, "load a BPF program");
    }
  }

  private static MemorySegment program(Arena arena, long[] program, int type) {
    MemorySegment attr = arena.allocate(ATTR_BYTES, 8);
    attr.set(JAVA_INT_UNALIGNED, 0, type);
    attr.set(JAVA_INT_UNALIGNED, 4, program.length);
    attr.set(JAVA_LONG_UNALIGNED, 8, arena.allocateFrom(java.lang.foreign.ValueLayout.JAVA_LONG, program).address());
    attr.set(JAVA_LONG_UNALIGNED, 16, arena.allocateFrom("GPL").address());
    return attr;
  }

  private static int load(Arena arena, MemorySegment attr, String attempt) throws SyscallException, UnsupportedKernel {
    long fd = bpf(PROG_LOAD, attr);
    if (fd == -Errno.EINVAL.number() || fd == -Errno.EACCES.number() || fd == -Errno.E2BIG.number()) {
      throw new UnsupportedKernel("the kernel does not accept the program: " + verdict(arena, attr, fd));
    }
    return checked(attempt, fd);
  }

  /// Runs a callable program.
  static void runOnce(int program, byte[] context) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment attr = arena.allocate(ATTR_BYTES, 8);
      attr.set(JAVA_INT_UNALIGNED, 0, program);
      attr.set(JAVA_INT_UNALIGNED, 40, context.length);
      attr.set(JAVA_LONG_UNALIGNED, 48, arena.allocateFrom(JAVA_BYTE, context).address());
      require("run a BPF program", PROG_TEST_RUN, attr);
    }
  }

  /// Loads once more for the verifier's log; its last line but the statistics tells.
  private static String verdict(Arena arena, MemorySegment attr, long result) {
    MemorySegment log = arena.allocate(LOG_BYTES);
    attr.set(JAVA_INT_UNALIGNED, 24, 1);
    attr.set(JAVA_INT_UNALIGNED, 28, LOG_BYTES);
    attr.set(JAVA_LONG_UNALIGNED, 32, log.address());
    long fd = bpf(PROG_LOAD, attr);
    if (!Errno.isError(fd)) {
      close((int) fd);
    }
    byte[] text = log.toArray(JAVA_BYTE);
    int end = 0;
    while (end < text.length && text[end] != 0) {
      end++;
    }
    String[] lines = new String(text, 0, end, StandardCharsets.ISO_8859_1).split("\n", 0);
    for (int i = lines.length - 1; i >= 0; i--) {
      if (!lines[i].isBlank() && !lines[i].startsWith("processed ")) {
        return lines[i].strip();
      }
    }
    return Errno.of(result).toString();
  }

  /// Attaches an iterator program to what it shall visit.
  static int link(int program, Visit visit) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment attr = arena.allocate(ATTR_BYTES, 8);
      attr.set(JAVA_INT_UNALIGNED, 0, program);
      attr.set(JAVA_INT_UNALIGNED, 8, TRACE_ITER);
      MemorySegment info = arena.allocate(16, 4);
      switch (visit) {
        case Visit.All all -> { }
        case Visit.Group(var tgid) -> info.set(JAVA_INT_UNALIGNED, 4, tgid.value());
        case Visit.One(var tid) -> info.set(JAVA_INT_UNALIGNED, 0, tid.value());
      }
      if (!(visit instanceof Visit.All)) {
        attr.set(JAVA_LONG_UNALIGNED, 16, info.address());
        attr.set(JAVA_INT_UNALIGNED, 24, LINK_INFO_BYTES);
      }
      long fd = bpf(LINK_CREATE, attr);
      return Errno.isError(fd) ? checked("visit " + visit, fd) : (int) fd;
    }
  }

  /// Who gets the records of an iterator, a read(2) at a time: whole ones.
  interface Taking {
    /// @return whether more is wanted
    boolean take(byte[] records);
  }

  /// Runs a linked iterator once and gives all its records.
  static byte[] run(int link) throws SyscallException {
    var all = new java.io.ByteArrayOutputStream();
    run(link, records -> {
      all.writeBytes(records);
      return true;
    });
    return all.toByteArray();
  }

  /// Runs a linked iterator once.
  static void run(int link, Taking taking) throws SyscallException {
    int iterator;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment attr = arena.allocate(ATTR_BYTES, 8);
      attr.set(JAVA_INT_UNALIGNED, 0, link);
      iterator = require("start a BPF iterator", ITER_CREATE, attr);
    }
    try {
      readAll(iterator, taking);
    } finally {
      close(iterator);
    }
  }

  /// EINTR and EAGAIN lose nothing here: the seq_file goes on with the task it was at (kernel/bpf/bpf_iter.c,
  /// bpf_seq_read).
  private static void readAll(int iterator, Taking taking) throws SyscallException {
    long all = 0;
    int retries = 0;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(READ_BYTES, 8);
      while (true) {
        long got = Syscalls.call(Nr.READ, iterator, buffer.address(), READ_BYTES);
        if ((got == -Errno.EAGAIN.number() || got == -Errno.EINTR.number()) && retries++ < RETRIES_MAX) {
          continue;
        }
        if (Errno.isError(got)) {
          throw new SyscallException(Nr.READ, Errno.of(got), "read the records of a BPF iterator");
        }
        all += got;
        if (all > RECORDS_BYTES_MAX) {
          throw new SyscallException(Nr.READ, Errno.E2BIG, "read more than 1 GiB of a BPF iterator");
        }
        if (got == 0 || !taking.take(buffer.asSlice(0, got).toArray(JAVA_BYTE))) {
          return;
        }
      }
    }
  }

  static void close(int fd) {
    Syscalls.call(Nr.CLOSE, fd);
  }

  private static int require(String attempt, int command, MemorySegment attr) throws SyscallException {
    return checked(attempt, bpf(command, attr));
  }

  private static int checked(String attempt, long result) throws SyscallException {
    if (Errno.isError(result)) {
      Errno errno = Errno.of(result);
      throw new SyscallException(Nr.BPF, errno, attempt, errno == Errno.EPERM ? REMEDY : "");
    }
    return (int) result;
  }

  private static long bpf(int command, MemorySegment attr) {
    return Syscalls.call(Nr.BPF, command, attr.address(), ATTR_BYTES);
  }
}

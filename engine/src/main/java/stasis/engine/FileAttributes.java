package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// Extended attributes of an open file (xattr(7)): capabilities, access control lists, labels, and the user's own.
final class FileAttributes {
  /// XATTR_LIST_MAX, XATTR_SIZE_MAX of uapi/linux/limits.h.
  private static final int MOST_BYTES = 65536;

  private FileAttributes() {}

  /// By name.
  static List<EmbeddedFile.Attribute> of(long fd, String subject) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(MOST_BYTES);
      long length = Syscalls.call(Nr.FLISTXATTR, fd, buffer.address(), MOST_BYTES);
      if (length == -Errno.EOPNOTSUPP.number()) {
        return List.of();
      }
      if (Errno.isError(length)) {
        throw new SyscallException(Nr.FLISTXATTR, Errno.of(length), "extended attributes of " + subject);
      }
      String names = new String(buffer.asSlice(0, length).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE),
          StandardCharsets.ISO_8859_1);
      var attributes = new ArrayList<EmbeddedFile.Attribute>();
      for (String name : names.split("\0")) {
        if (!name.isEmpty()) {
          long size = Syscalls.require("extended attribute " + name + " of " + subject, Nr.FGETXATTR, fd,
              name(arena, name).address(), buffer.address(), MOST_BYTES);
          attributes.add(new EmbeddedFile.Attribute(Bytes.of(name.getBytes(StandardCharsets.ISO_8859_1)),
              Bytes.of(buffer.asSlice(0, size).asByteBuffer())));
        }
      }
      attributes.sort(java.util.Comparator.comparing(EmbeddedFile.Attribute::name));
      return attributes;
    }
  }

  /// Gives a new file those that it has not got by itself.
  static void give(long fd, List<EmbeddedFile.Attribute> wanted, String subject) throws SyscallException {
    List<EmbeddedFile.Attribute> has = wanted.isEmpty() ? List.of() : of(fd, subject);
    for (EmbeddedFile.Attribute attribute : wanted) {
      if (!has.contains(attribute)) {
        try (Arena arena = Arena.ofConfined()) {
          String name = attribute.name().latin1();
          MemorySegment value = arena.allocate(Math.max(1, attribute.value().length()));
          value.copyFrom(MemorySegment.ofArray(attribute.value().toArray()));
          Syscalls.require("give " + subject + " its extended attribute " + name, Nr.FSETXATTR, fd,
              name(arena, name).address(), value.address(), attribute.value().length(), 0);
        }
      }
    }
  }

  private static MemorySegment name(Arena arena, String name) {
    return arena.allocateFrom(name, StandardCharsets.ISO_8859_1);
  }
}

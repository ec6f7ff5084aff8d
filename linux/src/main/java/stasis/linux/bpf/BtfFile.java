package stasis.linux.bpf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// Reads the kernel's BTF blob whole. sysfs gives at most a page per read(2) (fs/kernfs/file.c,
/// kernfs_file_read_iter), which is over a thousand calls, but lets the blob be mapped privately since Linux 6.15
/// (kernel/bpf/sysfs_btf.c, btf_sysfs_vmlinux_mmap).
final class BtfFile {
  /// Where the kernel shows its own.
  static final Path VMLINUX = Path.of("/sys/kernel/btf/vmlinux");

  private static final long O_CLOEXEC = 0x80000;
  private static final long PROT_READ = 1;
  private static final long MAP_PRIVATE = 2;
  private static final long AT_FDCWD = -100;

  private BtfFile() {}

  /// @throws java.nio.file.NoSuchFileException on a kernel without CONFIG_DEBUG_INFO_BTF
  static byte[] read(Path path) throws IOException {
    long bytes = Files.size(path);
    byte[] mapped = bytes > 0 ? readMapped(path, bytes) : new byte[0];
    return mapped.length > 0 ? mapped : Files.readAllBytes(path);
  }

  /// @return empty where it cannot be mapped
  @SuppressWarnings("restricted") // the mapping is made, copied and unmapped right here
  private static byte[] readMapped(Path path, long bytes) {
    long fd = open(path);
    if (Errno.isError(fd)) {
      return new byte[0];
    }
    long address = Syscalls.call(Nr.MMAP, 0, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    Syscalls.call(Nr.CLOSE, fd);
    if (Errno.isError(address)) {
      return new byte[0];
    }
    byte[] copy = MemorySegment.ofAddress(address).reinterpret(bytes).toArray(JAVA_BYTE);
    Syscalls.call(Nr.MUNMAP, address, bytes);
    return copy;
  }

  private static long open(Path path) {
    try (var arena = java.lang.foreign.Arena.ofConfined()) {
      MemorySegment name = arena.allocateFrom(path.toString());
      return Syscalls.call(Nr.OPENAT, AT_FDCWD, name.address(), O_CLOEXEC, 0);
    }
  }
}

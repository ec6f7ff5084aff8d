package stasis.repository;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.BitSet;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// Pages in a file without a name in memory (memfd_create(2)), for tasks that read them by themselves.
final class LaidOut implements AutoCloseable {
  private static final int MFD_CLOEXEC = 1;

  private final long fd;

  private LaidOut(long fd) {
    this.fd = fd;
  }

  /// @param without MiBs to leave out
  static LaidOut of(PageSource pages, long pageBytes, int threads, BitSet without) throws ImageException {
    LaidOut file = new LaidOut(memfd());
    try (FileChannel channel = FileChannel.open(file.path(), StandardOpenOption.WRITE)) {
      new PageWalk(pages, pageBytes, without).run(threads, (offset, bytes) -> {
        if (bytes.mismatch(MemorySegment.ofArray(new byte[(int) bytes.byteSize()])) >= 0) {
          ByteBuffer rest = bytes.asByteBuffer();
          while (rest.hasRemaining()) {
            channel.write(rest, offset + rest.position());
          }
        }
      });
      if (channel.size() < pageBytes) {
        channel.write(ByteBuffer.allocate(1), pageBytes - 1); // zeros at the end are there as well
      }
      return file;
    } catch (IOException e) {
      file.close();
      throw Faults.of(e, "cannot lay out pages in memory", file.path());
    } catch (ImageException | RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  private static long memfd() throws ImageException {
    try (Arena arena = Arena.ofConfined()) {
      long fd = Syscalls.call(Nr.MEMFD_CREATE, arena.allocateFrom("stasis-pages").address(), MFD_CLOEXEC);
      if (Errno.isError(fd)) {
        throw new ImageException(ImageException.Reason.DEVICE, "no memory file for pages can be made: "
            + Errno.of(fd).meaning(), "allow more open files or memory");
      }
      return fd;
    }
  }

  Path path() {
    return Path.of("/proc/self/fd/" + fd);
  }

  @Override
  public void close() {
    Syscalls.call(Nr.CLOSE, fd);
  }
}

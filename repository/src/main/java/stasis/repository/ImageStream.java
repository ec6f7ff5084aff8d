package stasis.repository;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.function.Consumer;

/// Images that go through a pipe: the bytes of a statefile, front to back, once. A stream that was cut off has no end
/// mark and is no image.
public final class ImageStream {
  private static final long PART_BYTES = 1 << 20;

  private ImageStream() {}

  /// Hears of the other end.
  @FunctionalInterface
  public interface Acknowledgement {
    /// Waits until the other side has the image whole. @param idle called now and then meanwhile; what it throws ends
    /// the waiting
    ///
    /// @return whether it has
    boolean await(Runnable idle) throws IOException;
  }

  /// @param out flushed, not closed @param acknowledgement empty: nobody says whether it has arrived
  public static ImageDestination destination(OutputStream out, Optional<Acknowledgement> acknowledgement) {
    return destination(out, acknowledgement, Protection.NONE);
  }

  /// As above, encrypted and signed.
  public static ImageDestination destination(OutputStream out, Optional<Acknowledgement> acknowledgement,
      Protection protection) {
    WritableByteChannel channel = Channels.newChannel(out);
    return new ImageDestination() {
      @Override
      public ImageWriter begin(Consumer<WriteStep> listener) throws ImageException {
        return new StreamWriter(channel, acknowledgement, protection, listener);
      }

      // What was given up has been sent.
      @Override
      public boolean takesAnother() {
        return false;
      }
    };
  }

  /// @return whether there were so many
  private static boolean take(ReadableByteChannel in, FileChannel out, long from, long to) throws IOException {
    for (long at = from; at < to;) {
      long count = out.transferFrom(in, at, Math.min(PART_BYTES, to - at));
      if (count <= 0) {
        return false;
      }
      at += count;
    }
    return true;
  }

  /// Takes the whole stream into a file without a name before anything of it is looked at.
  ///
  /// @param spool folder with room for it, for as long as the image is open
  public static ImageOrigin origin(InputStream in, Path spool) {
    return origin(in, spool, Keys.NONE);
  }

  /// As above. @param keys that open it; none for one that is not encrypted
  public static ImageOrigin origin(InputStream in, Path spool, Keys keys) {
    ReadableByteChannel channel = Channels.newChannel(in);
    return () -> {
      try {
        Path folder = Files.createTempDirectory(spool, "stasis-stream");
        Path file = folder.resolve(ImageStore.STATEFILE);
        try {
          try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ,
              StandardOpenOption.WRITE)) {
            // Up to its end, not the stream's: the other side may keep that open until it hears of us.
            if (take(channel, out, 0, Layout.PREAMBLE_BYTES)) {
              take(channel, out, Layout.PREAMBLE_BYTES, FolderReader.announcedBytes(file, out));
            }
          }
          return new SpooledReader(FolderReader.openFile(file, Opener.of(keys)), folder);
        } catch (IOException | ImageException | RuntimeException | Error e) {
          Files.deleteIfExists(file);
          Files.deleteIfExists(folder);
          throw e;
        }
      } catch (IOException e) {
        throw Faults.of(e, "cannot keep the image that comes in", spool);
      }
    };
  }
}

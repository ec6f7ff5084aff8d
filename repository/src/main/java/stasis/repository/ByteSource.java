package stasis.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/// The bytes of a statefile, wherever and however they lie. May be used by several threads.
interface ByteSource extends AutoCloseable {
  long size() throws IOException;

  /// Fills the buffer.
  ///
  /// @throws ImageException when they are not those that were written, where that can be seen
  void read(long offset, ByteBuffer into) throws IOException, ImageException;

  @Override
  void close() throws IOException;

  /// A file as it is.
  record Plain(FileChannel channel) implements ByteSource {
    @Override
    public long size() throws IOException {
      return channel.size();
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
      FolderReader.readFully(channel, offset, into);
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}

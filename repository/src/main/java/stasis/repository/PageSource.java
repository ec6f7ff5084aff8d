package stasis.repository;

import java.lang.foreign.MemorySegment;

/// The page section of an image read in whole MiBs, each checked as it is read. May be used by several threads at once.
public interface PageSource extends AutoCloseable {
  /// What is read as one.
  int CHUNK_BYTES = Layout.CHUNK_BYTES;
  /// Of the buffer it is read into.
  int ALIGNMENT_BYTES = Layout.ALIGNMENT_BYTES;

  /// @param index of the MiB @param buffer of CHUNK_BYTES, aligned
  /// @return the part of the buffer that is filled
  /// @throws ImageException also when it is not what was written
  MemorySegment chunk(int index, MemorySegment buffer) throws ImageException;

  /// How many threads keep one CPU busy: more than one where they wait for a device.
  default int readersForEachCpu() {
    return 1;
  }

  @Override
  void close();
}

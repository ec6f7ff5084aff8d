package stasis.resource;

import java.util.List;
import stasis.image.ObjectId;
import stasis.image.Tag;
import stasis.linux.abi.Fd;

/// One table of file descriptors, in fd order.
public record FilesState(@Tag(1) List<Entry> entries) {
  public FilesState {
    entries = List.copyOf(entries);
    for (int i = 1; i < entries.size(); i++) {
      if (entries.get(i - 1).fd().compareTo(entries.get(i).fd()) >= 0) {
        throw new IllegalArgumentException("fds out of order at " + entries.get(i).fd());
      }
    }
  }

  /// @param file object of a [FileKind]
  public record Entry(@Tag(1) Fd fd, @Tag(2) boolean closeOnExec, @Tag(3) ObjectId file) {}
}

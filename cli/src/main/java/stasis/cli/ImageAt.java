package stasis.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.nio.file.Path;
import java.util.Optional;
import stasis.repository.CheckpointName;
import stasis.repository.ImageDestination;
import stasis.repository.ImageOrigin;
import stasis.repository.ImageReader;
import stasis.repository.ImageStore;
import stasis.repository.ImageStream;
import stasis.repository.Repository;

/// Where an image is, or is to go, as the user said it.
sealed interface ImageAt {
  ImageOrigin origin();

  /// @param force replace what is there
  ImageDestination destination(boolean force);

  /// A folder of its own, or the statefile in one.
  record Folder(Path path) implements ImageAt {
    @Override
    public ImageOrigin origin() {
      return () -> ImageReader.open(path);
    }

    @Override
    public ImageDestination destination(boolean force) {
      return ImageStore.destination(path, force);
    }

    @Override
    public String toString() {
      return path.toString();
    }
  }

  /// Standard output, or standard input.
  ///
  /// @param commit how the receiving side says that it has it
  record Piped(Optional<CommitFd> commit) implements ImageAt {
    /// How it is spelled on a command line.
    static final String WORD = "-";

    @Override
    public ImageOrigin origin() {
      return ImageStream.origin(System.in, Path.of(System.getProperty("java.io.tmpdir")));
    }

    /// Past [System#out], which would buffer and swallow errors.
    @Override
    public ImageDestination destination(boolean force) {
      return ImageStream.destination(new FileOutputStream(FileDescriptor.out),
          commit.map(CommitFd::acknowledgement));
    }

    @Override
    public String toString() {
      return "the stream";
    }
  }

  /// A checkpoint of a repository.
  record Kept(Path repository, CheckpointName name) implements ImageAt {
    @Override
    public ImageOrigin origin() {
      return Repository.origin(repository, name);
    }

    @Override
    public ImageDestination destination(boolean force) {
      return Repository.destination(repository, name.name());
    }

    @Override
    public String toString() {
      return name + " in " + repository;
    }
  }
}

package stasis.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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

  Guard guard();

  /// What its owner could change; none where nobody knows.
  List<Path> files();

  /// Where it is noted what a program touched first after a lazy restore; none where nothing can be kept.
  Optional<Path> touched();

  /// The same, closed or opened by this.
  ImageAt guarded(Guard by);

  /// @param force replace what is there
  ImageDestination destination(boolean force);

  /// A folder of its own, or the statefile in one.
  record Folder(Path path, Guard guard) implements ImageAt {
    Folder(Path path) {
      this(path, Guard.NONE);
    }

    @Override
    public ImageAt guarded(Guard by) {
      return new Folder(path, by);
    }

    @Override
    public Optional<Path> touched() {
      return Optional.of(Files.isDirectory(path) ? path.resolve("touched") : path.resolveSibling("touched"));
    }

    @Override
    public List<Path> files() {
      return List.of(path, path.resolve(ImageStore.STATEFILE), path.resolveSibling("."));
    }

    @Override
    public ImageOrigin origin() {
      return guard.in(() -> ImageReader.open(path, guard.keys()));
    }

    @Override
    public ImageDestination destination(boolean force) {
      return ImageStore.destination(path, force, guard.protection());
    }

    @Override
    public String toString() {
      return path.toString();
    }
  }

  /// Standard output, or standard input.
  ///
  /// @param commit how the receiving side says that it has it
  record Piped(Optional<CommitFd> commit, Guard guard) implements ImageAt {
    /// How it is spelled on a command line.
    static final String WORD = "-";

    Piped(Optional<CommitFd> commit) {
      this(commit, Guard.NONE);
    }

    @Override
    public ImageAt guarded(Guard by) {
      return new Piped(commit, by);
    }

    @Override
    public Optional<Path> touched() {
      return Optional.empty();
    }

    @Override
    public List<Path> files() {
      return List.of();
    }

    @Override
    public ImageOrigin origin() {
      return guard.in(ImageStream.origin(System.in, Path.of(System.getProperty("java.io.tmpdir")), guard.keys()));
    }

    /// Past [System#out], which would buffer and swallow errors.
    @Override
    public ImageDestination destination(boolean force) {
      return ImageStream.destination(new FileOutputStream(FileDescriptor.out),
          commit.map(CommitFd::acknowledgement), guard.protection());
    }

    @Override
    public String toString() {
      return "the stream";
    }
  }

  /// A checkpoint of a repository.
  record Kept(Path repository, CheckpointName name, Guard guard) implements ImageAt {
    Kept(Path repository, CheckpointName name) {
      this(repository, name, Guard.NONE);
    }

    @Override
    public ImageAt guarded(Guard by) {
      return new Kept(repository, name, by);
    }

    @Override
    public Optional<Path> touched() {
      return Optional.of(repository.resolve("touched-" + name.name()));
    }

    @Override
    public List<Path> files() {
      Path named = repository.resolve("checkpoints").resolve(name.name());
      return List.of(repository, repository.resolve("checkpoints"), named, repository.resolve("packs"),
          repository.resolve("index"));
    }

    @Override
    public ImageOrigin origin() {
      return guard.in(Repository.origin(repository, name, guard.keys()));
    }

    @Override
    public ImageDestination destination(boolean force) {
      return Repository.destination(repository, name.name(), guard.protection());
    }

    @Override
    public String toString() {
      return name + " in " + repository;
    }
  }
}

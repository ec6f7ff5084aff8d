package stasis.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import stasis.linux.sys.Self;

/// A folder that keeps checkpoints, each content once. Its states: `docs/repository-format.md`.
public final class Repository {
  static final String PACKS = "packs";
  static final String INDEX = "index";
  static final String CHECKPOINTS = "checkpoints";
  static final String UNFINISHED = "unfinished";
  private static final List<String> FOLDERS = List.of(PACKS, INDEX, CHECKPOINTS, UNFINISHED);

  private Repository() {}

  /// @param name of the program; `NAME@K` becomes the next number
  public static ImageDestination destination(Path root, String name) {
    return destination(root, name, Protection.NONE);
  }

  /// As above. @param protection keys that open it, and for which one that is made for this is encrypted; a signer
  public static ImageDestination destination(Path root, String name, Protection protection) {
    return listener -> begin(root, name, protection, listener, _ -> { });
  }

  /// A checkpoint of a repository.
  public static ImageOrigin origin(Path root, CheckpointName name) {
    return origin(root, name, Keys.NONE);
  }

  /// As above. @param keys that open it; none for one that is not encrypted
  public static ImageOrigin origin(Path root, CheckpointName name, Keys keys) {
    return () -> read(root, name, keys);
  }

  static RepositoryWriter begin(Path root, String name, Protection protection, Consumer<WriteStep> listener,
      Disk.Watch watch) throws ImageException {
    if (!CheckpointName.isWord(name)) {
      throw new ImageException(ImageException.Reason.NO_ACCESS, "'" + name + "' is no name for a checkpoint",
          "use letters, digits and . _ - +, a letter or digit first, 100 at most");
    }
    Disk disk = new Disk(watch);
    Optional<Vault> made = make(root, protection.keys(), disk);
    RepositoryLock lock = RepositoryLock.shared(root);
    try {
      listener.accept(WriteStep.LOCKED);
      Vault vault = made.isPresent() ? made.get() : Mark.open(root, protection.keys());
      lock.alone(() -> sweep(root, disk));
      listener.accept(WriteStep.LEFTOVERS_GONE);
      ChunkStore store = ChunkStore.open(root, vault);
      RepositoryWriter writer = new RepositoryWriter(root, name, protection.signer(), disk, lock, store, listener);
      listener.accept(WriteStep.PARTIAL_CREATED);
      return writer;
    } catch (ImageException | RuntimeException | Error e) {
      lock.close();
      throw e;
    }
  }

  private static RepositoryReader read(Path root, CheckpointName name, Keys keys) throws ImageException {
    Vault vault = Mark.open(root, keys);
    RepositoryLock lock = RepositoryLock.shared(root);
    try {
      ChunkStore store = ChunkStore.open(root, vault);
      try {
        return RepositoryReader.open(new Checkpoints(root, vault).find(name), store, () -> {
          try (lock) {
            store.close();
          }
        });
      } catch (ImageException | RuntimeException | Error e) {
        store.close();
        throw e;
      }
    } catch (ImageException | RuntimeException | Error e) {
      lock.close();
      throw e;
    }
  }

  /// Makes a repository where there is nothing, or nothing but one that was not finished.
  ///
  /// @return what it is closed with, where it was made
  private static Optional<Vault> make(Path root, Keys keys, Disk disk) throws ImageException {
    if (Files.exists(root.resolve(Mark.NAME))) {
      return Optional.empty();
    }
    try {
      if (Files.isDirectory(root) && holdsOther(root)) {
        throw new ImageException(ImageException.Reason.OCCUPIED, root + " is no repository and not empty",
            "give a repository, or a folder that does not exist yet");
      }
      disk.folder(root);
      for (String folder : FOLDERS) {
        disk.folder(root.resolve(folder));
      }
      if (!Files.exists(root.resolve(RepositoryLock.NAME))) {
        disk.file(root.resolve(RepositoryLock.NAME), ByteBuffer.allocate(0));
      }
      Path unfinished = root.resolve(UNFINISHED).resolve(Self.pid() + "-" + Mark.NAME);
      Files.deleteIfExists(unfinished);
      Mark.Fresh mark = Mark.Fresh.of(keys);
      disk.file(unfinished, ByteBuffer.wrap(mark.text().getBytes(StandardCharsets.US_ASCII)));
      boolean first = linked(disk, unfinished, root.resolve(Mark.NAME));
      disk.delete(unfinished);
      disk.sync(root);
      return first ? Optional.of(mark.vault()) : Optional.empty();
    } catch (IOException e) {
      throw Faults.of(e, "cannot make the repository", root);
    }
  }

  /// @return false where another writer has made it meanwhile
  private static boolean linked(Disk disk, Path from, Path to) throws IOException {
    try {
      disk.link(from, to);
      return true;
    } catch (FileAlreadyExistsException _) {
      return false;
    }
  }

  private static boolean holdsOther(Path root) throws IOException {
    Set<String> own = Set.of(PACKS, INDEX, CHECKPOINTS, UNFINISHED, RepositoryLock.NAME);
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(root)) {
      for (Path entry : entries) {
        if (!own.contains(entry.getFileName().toString())) {
          return true;
        }
      }
    }
    return false;
  }

  /// Deletes what writers left that died. Nobody else is at work.
  private static void sweep(Path root, Disk disk) throws ImageException {
    try (ChunkStore store = ChunkStore.open(root, Vault.NONE)) {
      for (Path leftover : ChunkStore.files(root.resolve(UNFINISHED), "")) {
        disk.delete(leftover);
      }
      new Reindexing(root, disk).merge(store);
    } catch (IOException e) {
      throw Faults.of(e, "cannot delete what an interrupted checkpoint left", root);
    }
  }
}

package stasis.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/// A folder that keeps checkpoints, each content once. Its states: `docs/repository-format.md`.
public final class Repository {
  static final String PACKS = "packs";
  static final String INDEX = "index";
  static final String CHECKPOINTS = "checkpoints";
  static final String UNFINISHED = "unfinished";
  private static final String MARK = "repository";
  private static final String FIRST = "stasis-repository ";
  private static final String CONTENT = FIRST + "1\n";
  private static final int MAX_MARK_BYTES = 1 << 16;
  private static final List<String> FOLDERS = List.of(PACKS, INDEX, CHECKPOINTS, UNFINISHED);

  private Repository() {}

  /// @param name of the program; `NAME@K` becomes the next number
  public static ImageDestination destination(Path root, String name) {
    return listener -> begin(root, name, listener, _ -> { });
  }

  /// A checkpoint of a repository.
  public static ImageOrigin origin(Path root, CheckpointName name) {
    return () -> read(root, name);
  }

  static RepositoryWriter begin(Path root, String name, Consumer<WriteStep> listener, Disk.Watch watch)
      throws ImageException {
    if (!CheckpointName.isWord(name)) {
      throw new ImageException(ImageException.Reason.NO_ACCESS, "'" + name + "' is no name for a checkpoint",
          "use letters, digits and . _ - +, a letter or digit first, 100 at most");
    }
    Disk disk = new Disk(watch);
    make(root, disk);
    RepositoryLock lock = RepositoryLock.shared(root);
    try {
      listener.accept(WriteStep.LOCKED);
      check(root);
      lock.alone(() -> sweep(root, disk));
      listener.accept(WriteStep.LEFTOVERS_GONE);
      ChunkStore store = ChunkStore.open(root);
      RepositoryWriter writer = new RepositoryWriter(root, name, disk, lock, store, listener);
      listener.accept(WriteStep.PARTIAL_CREATED);
      return writer;
    } catch (ImageException | RuntimeException | Error e) {
      lock.close();
      throw e;
    }
  }

  private static RepositoryReader read(Path root, CheckpointName name) throws ImageException {
    check(root);
    RepositoryLock lock = RepositoryLock.shared(root);
    try {
      ChunkStore store = ChunkStore.open(root);
      try {
        return RepositoryReader.open(new Checkpoints(root).find(name), store, () -> {
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
  private static void make(Path root, Disk disk) throws ImageException {
    if (Files.exists(root.resolve(MARK))) {
      return;
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
      Path unfinished = root.resolve(UNFINISHED).resolve(ProcessHandle.current().pid() + "-" + MARK);
      Files.deleteIfExists(unfinished);
      disk.file(unfinished, ByteBuffer.wrap(CONTENT.getBytes(StandardCharsets.US_ASCII)));
      disk.rename(unfinished, root.resolve(MARK));
      disk.sync(root);
    } catch (IOException e) {
      throw Faults.of(e, "cannot make the repository", root);
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

  /// Whether this is a repository this reader knows.
  static void check(Path root) throws ImageException {
    Path mark = root.resolve(MARK);
    if (!Files.isRegularFile(mark)) {
      throw new ImageException(ImageException.Reason.NO_IMAGE, root + " holds no repository",
          "give the folder that `stasis checkpoint --repo` wrote to");
    }
    try {
      if (Files.size(mark) > MAX_MARK_BYTES) {
        throw new ImageException(ImageException.Reason.DAMAGED, mark + " is too long", "take another copy of it");
      }
      String text = Files.readString(mark, StandardCharsets.ISO_8859_1);
      if (!text.startsWith(FIRST)) {
        throw new ImageException(ImageException.Reason.DAMAGED, mark + " does not say that this is a repository",
            "take another copy of it");
      }
      if (!text.startsWith(CONTENT)) {
        throw new ImageException(ImageException.Reason.TOO_NEW, root + " is a repository of a later version",
            "use a newer Stasis");
      }
      for (String line : text.lines().filter(line -> line.startsWith("needs ")).toList()) {
        throw new ImageException(ImageException.Reason.TOO_NEW, root + " " + line.replaceAll("[^ -~]", "?")
            + ", which this Stasis does not know", "use a newer Stasis");
      }
    } catch (IOException e) {
      throw Faults.of(e, "cannot read the repository", root);
    }
  }

  /// Deletes what writers left that died. Nobody else is at work.
  private static void sweep(Path root, Disk disk) throws ImageException {
    try (ChunkStore store = ChunkStore.open(root)) {
      for (Path leftover : ChunkStore.files(root.resolve(UNFINISHED), "")) {
        disk.delete(leftover);
      }
      new Reindexing(root, disk).merge(store);
    } catch (IOException e) {
      throw Faults.of(e, "cannot delete what an interrupted checkpoint left", root);
    }
  }
}

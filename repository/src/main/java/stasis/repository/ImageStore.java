package stasis.repository;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Folders that hold one image each, as the file `statefile`. States of a folder: `docs/statefile-format.md`.
public final class ImageStore {
  /// The one name an image has. It appears by rename(2), whole.
  public static final String STATEFILE = "statefile";
  static final String PARTIAL_PREFIX = ".statefile.partial-";

  private ImageStore() {}

  /// Begins an image in a folder, which is made if its parent exists.
  ///
  /// @param force replace an image that is there, at commit and in one step
  /// @param listener hears each [WriteStep]; what it throws ends the writing like a fault at that step
  public static ImageWriter create(Path folder, boolean force, Consumer<WriteStep> listener) throws ImageException {
    return create(folder, force, Protection.NONE, listener);
  }

  /// As above, encrypted and signed.
  static ImageWriter create(Path folder, boolean force, Protection protection, Consumer<WriteStep> listener)
      throws ImageException {
    boolean made = makeFolder(folder);
    try {
      refuseImage(folder, force);
      return locked(folder, made, force, protection, listener);
    } catch (ImageException | RuntimeException | Error e) {
      try {
        removeFolder(folder, made);
      } catch (ImageException f) {
        e.addSuppressed(f);
      }
      throw e;
    }
  }

  private static ImageWriter locked(Path folder, boolean made, boolean force, Protection protection,
      Consumer<WriteStep> listener) throws ImageException {
    FolderLock lock = FolderLock.take(folder);
    try {
      listener.accept(WriteStep.LOCKED);
      refuseImage(folder, force); // another writer may have committed before we had the lock
      deleteLeftovers(folder);
      listener.accept(WriteStep.LEFTOVERS_GONE);
      return new FolderWriter(folder, made, lock, protection, listener);
    } catch (ImageException | RuntimeException | Error e) {
      try {
        lock.close();
      } catch (IOException f) {
        e.addSuppressed(f);
      }
      throw e;
    }
  }

  /// The folder as [#create] would begin it.
  public static ImageDestination destination(Path folder, boolean force) {
    return destination(folder, force, Protection.NONE);
  }

  /// As above, encrypted and signed.
  public static ImageDestination destination(Path folder, boolean force, Protection protection) {
    return listener -> create(folder, force, protection, listener);
  }

  public static ImageWriter create(Path folder, boolean force) throws ImageException {
    return create(folder, force, _ -> { });
  }

  /// Whether a restore would find an image there; it may still prove damaged.
  public static boolean holdsImage(Path folder) {
    return Files.exists(folder.resolve(STATEFILE), LinkOption.NOFOLLOW_LINKS);
  }

  /// @return whether the folder was not there before
  private static boolean makeFolder(Path folder) throws ImageException {
    if (Files.isDirectory(folder)) {
      return false;
    }
    try {
      Files.createDirectory(folder, Disk.FOLDER_MODE);
      return true;
    } catch (IOException e) {
      throw Faults.of(e, "cannot make the image folder", folder);
    }
  }

  private static void refuseImage(Path folder, boolean force) throws ImageException {
    if (!force && holdsImage(folder)) {
      throw new ImageException(ImageException.Reason.OCCUPIED, folder + " already holds an image",
          "choose another folder, or replace it with --force");
    }
  }

  /// Call with the folder's lock held: then no living writer owns them.
  private static void deleteLeftovers(Path folder) throws ImageException {
    try {
      for (Path partial : partials(folder)) {
        Files.deleteIfExists(partial);
      }
    } catch (IOException e) {
      throw Faults.of(e, "cannot delete what an interrupted checkpoint left", folder);
    }
  }

  static List<Path> partials(Path folder) throws IOException {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, PARTIAL_PREFIX + "*")) {
      entries.forEach(found::add);
    }
    return found;
  }

  static void sync(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /// Takes back a folder made for an image that did not come to be, unless someone put something into it.
  static void removeFolder(Path folder, boolean made) throws ImageException {
    try {
      if (made) {
        Files.deleteIfExists(folder);
      }
    } catch (DirectoryNotEmptyException _) {
      return; // it has become someone else's
    } catch (IOException e) {
      throw Faults.of(e, "cannot remove the empty image folder", folder);
    }
  }
}

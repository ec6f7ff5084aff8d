package stasis.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import stasis.linux.sys.Self;

/// What a repository holds, and the upkeep of it.
public final class Catalogue {
  private final Path root;
  private final Vault vault;
  private final Checkpoints checkpoints;
  private final Disk disk;

  private Catalogue(Path root, Vault vault, Disk disk) {
    this.root = root;
    this.vault = vault;
    this.checkpoints = new Checkpoints(root, vault);
    this.disk = disk;
  }

  /// @throws ImageException in one sentence, when it is no repository or a newer one
  public static Catalogue open(Path root) throws ImageException {
    return open(root, Keys.NONE);
  }

  /// As above. @param keys that open it; none for one that is not encrypted
  public static Catalogue open(Path root, Keys keys) throws ImageException {
    return open(root, keys, _ -> { });
  }

  static Catalogue open(Path root, Keys keys, Disk.Watch watch) throws ImageException {
    return new Catalogue(root, Mark.open(root, keys), new Disk(watch));
  }

  /// All checkpoints, by name and number.
  public List<KeptImage> log() throws ImageException {
    List<KeptImage> found = new ArrayList<>();
    for (String name : checkpoints.names()) {
      found.addAll(log(name));
    }
    return found;
  }

  /// Those of one name; none where there is no such name.
  public List<KeptImage> log(String name) throws ImageException {
    List<KeptImage> found = new ArrayList<>();
    Map<String, Integer> tags = checkpoints.tags(name);
    for (int number : checkpoints.numbers(name)) {
      found.add(kept(checkpoints.read(name, number), tags));
    }
    return found;
  }

  private static KeptImage kept(Manifest manifest, Map<String, Integer> tags) {
    return new KeptImage(manifest.name(), manifest.number(), manifest.facts(),
        manifest.metadataBytes() + manifest.pageBytes(), manifest.addedBytes(),
        tags.entrySet().stream().filter(tag -> tag.getValue() == manifest.number()).map(Map.Entry::getKey).toList(),
        manifest.root(), manifest.signature().map(ImageSignature::publicKey));
  }

  /// The one that is meant.
  public KeptImage find(CheckpointName wanted) throws ImageException {
    return kept(checkpoints.find(wanted), checkpoints.tags(wanted.name()));
  }

  /// Gives a checkpoint one more name. A tag that was another's moves.
  ///
  /// @param tag no number @return which it is now
  public KeptImage tag(CheckpointName wanted, String tag) throws ImageException {
    if (!CheckpointName.isWord(tag) || tag.matches("[0-9]+")) {
      throw new ImageException(ImageException.Reason.NO_ACCESS, "'" + tag + "' is no tag",
          "use letters, digits and . _ - +, at least one that is no digit");
    }
    KeptImage image = find(wanted);
    Path file = checkpoints.tagFile(image.name(), tag);
    try (RepositoryLock _ = RepositoryLock.shared(root)) {
      write(file, image.number());
    } catch (IOException e) {
      throw Faults.of(e, "cannot write a tag", root);
    }
    return find(wanted);
  }

  /// Takes a tag away. @throws ImageException when there is none
  public void untag(String name, String tag) throws ImageException {
    if (!checkpoints.tags(name).containsKey(tag)) {
      throw new ImageException(ImageException.Reason.NO_IMAGE, root + " has no tag " + name + "@" + tag,
          "`stasis log` lists them");
    }
    Path file = checkpoints.tagFile(name, tag);
    try (RepositoryLock _ = RepositoryLock.shared(root)) {
      disk.delete(file);
      disk.sync(file.resolveSibling("."));
    } catch (IOException e) {
      throw Faults.of(e, "cannot delete a tag", root);
    }
  }

  /// A small file that appears whole.
  private void write(Path file, int number) throws IOException {
    Path unfinished = root.resolve(Repository.UNFINISHED).resolve(Self.pid() + "-number");
    Files.deleteIfExists(unfinished);
    Path folder = file.resolveSibling(".").normalize();
    disk.folder(folder);
    disk.file(unfinished, ByteBuffer.wrap((number + "\n").getBytes(StandardCharsets.US_ASCII)));
    disk.rename(unfinished, file);
    disk.sync(folder);
  }

  /// What of one name would go.
  public List<KeptImage> forgotten(String name, Retention retention) throws ImageException {
    return retention.forgotten(log(name));
  }

  /// Removes checkpoints. Their numbers are not given again; their chunks stay until [#prune].
  public void forget(List<KeptImage> images) throws ImageException {
    try (RepositoryLock _ = RepositoryLock.shared(root)) {
      for (KeptImage image : images) {
        Path file = checkpoints.file(image.name(), image.number());
        Path folder = file.resolveSibling(".").normalize();
        write(folder.resolve(Checkpoints.LAST), Checkpoints.last(folder));
        disk.delete(file);
        disk.sync(folder);
      }
    } catch (IOException e) {
      throw Faults.of(e, "cannot forget a checkpoint", root);
    }
  }

  /// What pruning did, or would do.
  ///
  /// @param freedBytes by how much the device is emptier
  public record Pruned(long freedBytes, int packsDeleted, int packsRewritten, long chunksKept) {}

  /// Removes chunks that no checkpoint needs. Alone: while nobody reads or writes.
  ///
  /// @param dryRun only look
  public Pruned prune(boolean dryRun) throws ImageException {
    try (RepositoryLock _ = RepositoryLock.exclusive(root)) {
      return new Pruning(root, vault, disk, checkpoints).run(dryRun);
    }
  }

  /// Makes the index anew from the packs. Alone: while nobody reads or writes.
  ///
  /// @return how many chunks there are
  public int reindex() throws ImageException {
    try (RepositoryLock _ = RepositoryLock.exclusive(root)) {
      return new Reindexing(root, disk).fromPacks();
    }
  }

  /// @param everyByte read all chunks, instead of looking whether they are where they should be
  /// @return a sentence for each thing that is wrong; none: all is well
  public List<String> verify(boolean everyByte) throws ImageException {
    try (RepositoryLock _ = RepositoryLock.shared(root)) {
      return new Verification(root, vault, checkpoints).run(everyByte);
    }
  }

  /// Figures of a repository.
  ///
  /// @param contentBytes of all checkpoints before anything was saved @param chunkBytes of the chunks they need, before
  ///     compression @param storedBytes of those in packs @param packBytes of all packs
  /// @param indexBytes of the indexes
  public record Figures(int checkpoints, int names, long contentBytes, long chunks, long chunkBytes, long storedBytes,
      int packs, long packBytes, long indexBytes) {}

  public Figures figures() throws ImageException {
    try (RepositoryLock _ = RepositoryLock.shared(root)) {
      return new Verification(root, vault, checkpoints).figures(log());
    }
  }

  /// Copies a checkpoint to another repository, which is made if it is not there: only what that lacks.
  ///
  /// @param protection keys that open the other one; if it is made, it is encrypted for them. Its signature goes along
  ///     between repositories that are not encrypted; else whoever copies may sign
  /// @return what it is called there
  public KeptImage copy(CheckpointName wanted, Path target, Protection protection) throws ImageException {
    Manifest manifest = checkpoints.find(wanted);
    try (RepositoryLock _ = RepositoryLock.shared(root); ChunkStore store = ChunkStore.open(root, vault);
        RepositoryWriter writer = Repository.begin(target, manifest.name(), protection, _ -> { }, _ -> { })) {
      if (vault.closes() || writer.closes()) {
        return kept(copied(manifest, store, writer), Map.of());
      }
      try (ChunkReader reader = new ChunkReader(store)) {
        return kept(writer.take(manifest, reader), Map.of());
      }
    }
  }

  /// Between repositories of different keys: the same pieces, named and closed anew.
  private static Manifest copied(Manifest manifest, ChunkStore store, RepositoryWriter writer) throws ImageException {
    try (RepositoryReader reader = RepositoryReader.open(manifest, store, () -> { })) {
      writer.writeMetadata(new ImageContent(reader.metadata(), manifest.pageBytes(), reader.map().stretches(),
          manifest.facts()));
      ByteBuffer part = ByteBuffer.allocate(PageSource.CHUNK_BYTES);
      for (long at = 0; at < manifest.pageBytes(); at += part.limit()) {
        part.clear().limit((int) Math.min(part.capacity(), manifest.pageBytes() - at));
        reader.readPages(at, part);
        writer.pages().write(part.flip());
      }
      manifest.certificate().ifPresent(writer::certify);
      return writer.committed((ImageReader _) -> { });
    }
  }
}

package stasis.repository;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// The chunks of a repository, found through its indexes. Whoever opens it holds the repository's lock. May be used by
/// several threads.
final class ChunkStore implements AutoCloseable {
  private static final int RETRIES = 5;

  private final Path root;
  private final Vault vault;
  private final Arena arena;
  private final List<IndexFile> indexes;
  private final Map<String, FileChannel> packs = new ConcurrentHashMap<>();
  private final Map<String, Path> unfinished = new ConcurrentHashMap<>();
  private final Map<ChunkId, Pack.Entry> unindexed = new ConcurrentHashMap<>();

  private ChunkStore(Path root, Vault vault, Arena arena, List<IndexFile> indexes) {
    this.root = root;
    this.vault = vault;
    this.arena = arena;
    this.indexes = List.copyOf(indexes);
  }

  static ChunkStore open(Path root, Vault vault) throws ImageException {
    for (int attempt = 0;; attempt++) {
      Arena arena = Arena.ofShared();
      try {
        return new ChunkStore(root, vault, arena, indexes(root, arena));
      } catch (NoSuchFileException e) {
        arena.close(); // another writer has put several indexes into one meanwhile
        if (attempt == RETRIES) {
          throw Faults.of(e, "cannot read the index", root);
        }
      } catch (IOException e) {
        arena.close();
        throw Faults.of(e, "cannot read the index", root);
      } catch (ImageException | RuntimeException | Error e) {
        arena.close();
        throw e;
      }
    }
  }

  private static List<IndexFile> indexes(Path root, Arena arena) throws IOException, ImageException {
    List<IndexFile> found = new ArrayList<>();
    for (Path file : files(root.resolve(Repository.INDEX), IndexFile.SUFFIX)) {
      found.add(IndexFile.open(file, arena));
    }
    return found;
  }

  /// By name, so that everybody sees them in one order.
  static List<Path> files(Path folder, String suffix) throws IOException {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, "*" + suffix)) {
      entries.forEach(found::add);
    }
    found.sort(null);
    return found;
  }

  List<IndexFile> indexes() {
    return indexes;
  }

  /// Of all packs that an index names.
  Set<String> packs() {
    Set<String> names = new HashSet<>();
    indexes.forEach(index -> names.addAll(index.packs()));
    return names;
  }

  /// What a writer has in packs already, and in no index yet.
  ///
  /// @param pack the file they are in, which is to be called otherwise later
  void add(List<Pack.Entry> entries, Path pack) {
    entries.stream().findFirst().ifPresent(entry -> unfinished.put(entry.pack(), pack));
    entries.forEach(entry -> unindexed.put(entry.id(), entry));
  }

  Optional<Pack.Entry> find(ChunkId id) throws ImageException {
    Pack.Entry fresh = unindexed.get(id);
    if (fresh != null) {
      return Optional.of(fresh);
    }
    for (IndexFile index : indexes) {
      Optional<Pack.Entry> entry = index.find(id);
      if (entry.isPresent()) {
        return entry;
      }
    }
    return Optional.empty();
  }

  Path packFile(String pack) {
    return unfinished.getOrDefault(pack, root.resolve(Repository.PACKS).resolve(pack + Pack.SUFFIX));
  }

  /// Stays open until the store is closed.
  FileChannel pack(String pack) throws IOException {
    FileChannel open = packs.get(pack);
    if (open != null) {
      return open;
    }
    FileChannel opened = FileChannel.open(packFile(pack), StandardOpenOption.READ);
    FileChannel other = packs.putIfAbsent(pack, opened);
    if (other != null) {
      opened.close();
      return other;
    }
    return opened;
  }

  Vault vault() {
    return vault;
  }

  Path root() {
    return root;
  }

  @Override
  public void close() throws ImageException {
    try {
      for (FileChannel pack : packs.values()) {
        pack.close();
      }
    } catch (IOException e) {
      throw Faults.of(e, "cannot close a pack", root);
    } finally {
      arena.close();
    }
  }
}

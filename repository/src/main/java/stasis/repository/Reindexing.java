package stasis.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import stasis.linux.sys.Self;

/// Makes one index of several, or a new one from the tables of the packs. Alone, while nobody else is at work; killed
/// at any point, every chunk is still in an index.
final class Reindexing {
  /// So many small indexes are one too many: each costs a search for each chunk.
  private static final int MANY = 8;
  /// What is larger than this stays as it is, so that memory is bounded.
  private static final int SMALL_CHUNKS = 50_000;

  private final Path root;
  private final Disk disk;

  Reindexing(Path root, Disk disk) {
    this.root = root;
    this.disk = disk;
  }

  /// Puts small indexes into one, if there are many.
  void merge(ChunkStore store) throws ImageException {
    List<IndexFile> small = store.indexes().stream().filter(index -> index.count() < SMALL_CHUNKS).toList();
    if (small.size() < MANY) {
      return;
    }
    Map<ChunkId, Pack.Entry> entries = new TreeMap<>();
    for (IndexFile index : small) {
      index.each(entry -> entries.put(entry.id(), entry));
    }
    replace(List.copyOf(entries.values()), small.stream().map(IndexFile::file).toList());
  }

  /// Makes the index anew from what the packs say of themselves. @return how many chunks there are
  int fromPacks() throws ImageException {
    try {
      Map<ChunkId, Pack.Entry> entries = new TreeMap<>();
      for (Path pack : ChunkStore.files(root.resolve(Repository.PACKS), Pack.SUFFIX)) {
        Pack.read(pack).forEach(entry -> entries.put(entry.id(), entry));
      }
      replace(List.copyOf(entries.values()),
          ChunkStore.files(root.resolve(Repository.INDEX), IndexFile.SUFFIX));
      return entries.size();
    } catch (IOException e) {
      throw Faults.of(e, "cannot read the repository", root);
    }
  }

  private void replace(List<Pack.Entry> sorted, List<Path> old) throws ImageException {
    Path folder = root.resolve(Repository.INDEX);
    Path unfinished = root.resolve(Repository.UNFINISHED)
        .resolve(Self.pid() + "-reindexed" + IndexFile.SUFFIX);
    try {
      List<Path> gone = new ArrayList<>(old);
      if (!sorted.isEmpty()) {
        ByteBuffer content = IndexFile.encode(sorted, lengths(sorted));
        Path file = folder.resolve(IndexFile.name(content));
        Files.deleteIfExists(unfinished);
        disk.file(unfinished, content.duplicate());
        disk.rename(unfinished, file);
        disk.sync(folder);
        gone.remove(file);
      }
      for (Path index : gone) {
        disk.delete(index);
      }
      disk.sync(folder);
    } catch (IOException e) {
      throw Faults.of(e, "cannot write the index", root);
    }
  }

  private Map<String, Long> lengths(List<Pack.Entry> entries) throws IOException {
    Map<String, Long> lengths = new HashMap<>();
    for (String pack : entries.stream().map(Pack.Entry::pack).distinct().sorted(Comparator.naturalOrder()).toList()) {
      Path file = root.resolve(Repository.PACKS).resolve(pack + Pack.SUFFIX);
      lengths.put(pack, Files.exists(file) ? Files.size(file) : 0);
    }
    return lengths;
  }
}

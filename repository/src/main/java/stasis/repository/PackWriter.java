package stasis.repository;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import stasis.linux.sys.Self;

/// Puts chunks into packs, each assembled in memory and written at once. May be used by several threads: whoever fills
/// a pack writes it while the others fill the next.
final class PackWriter implements AutoCloseable {
  private static final int BUFFERS = 3;
  private static final long BUFFER_BYTES =
      Layout.aligned(Pack.MAX_BYTES + (long) Pack.MAX_CHUNKS * Pack.ENTRY_BYTES + Pack.TAIL_BYTES);

  private final Path root;
  private final Disk disk;
  private final ChunkStore store;
  private final Arena arena = Arena.ofShared();
  private final BlockingQueue<MemorySegment> free = new ArrayBlockingQueue<>(BUFFERS);
  private final Set<ChunkId> claimed = ConcurrentHashMap.newKeySet();
  private final List<Pack.Entry> entries = new ArrayList<>();
  private final Map<String, Long> lengths = new HashMap<>();
  /// Where packs are until their chunks can be found.
  private final Map<String, Path> unfinishedPacks = new TreeMap<>();
  private Optional<Filling> filling = Optional.empty();
  private int begun;
  private int allocated;
  private boolean indexed;

  /// A pack that is not full yet.
  private static final class Filling {
    private final MemorySegment buffer;
    private final int number;
    private final List<Pack.Entry> entries = new ArrayList<>();
    private int at = Pack.HEADER_BYTES;

    Filling(MemorySegment buffer, int number) {
      this.buffer = buffer;
      this.number = number;
      Pack.header(buffer);
    }

    boolean holds(int lengthBytes) {
      return at + lengthBytes <= Pack.MAX_BYTES && entries.size() < Pack.MAX_CHUNKS;
    }

    void put(ChunkId id, byte[] stored, int storedBytes, int bytes) {
      MemorySegment.copy(MemorySegment.ofArray(stored), 0, buffer, at, storedBytes);
      entries.add(new Pack.Entry(id, "", at, storedBytes, bytes));
      at += storedBytes;
    }
  }

  PackWriter(Path root, Disk disk, ChunkStore store) {
    this.root = root;
    this.disk = disk;
    this.store = store;
  }

  /// Whether this chunk is nowhere yet and the caller is the one who is to put it somewhere.
  boolean claim(ChunkId id) throws ImageException {
    return store.find(id).isEmpty() && claimed.add(id);
  }

  /// @param bytes how long it is; `storedBytes` as many where it is not compressed
  void put(ChunkId id, byte[] stored, int storedBytes, int bytes) throws ImageException {
    Optional<Filling> full = Optional.empty();
    synchronized (this) {
      Filling current = filling.isPresent() ? filling.get() : begin();
      if (!current.holds(storedBytes)) {
        full = filling;
        current = begin();
      }
      current.put(id, stored, storedBytes, bytes);
    }
    if (full.isPresent()) {
      write(full.get());
    }
  }

  private Filling begin() throws ImageException {
    try {
      MemorySegment buffer;
      if (allocated < BUFFERS && free.isEmpty()) {
        allocated++;
        buffer = arena.allocate(BUFFER_BYTES, Layout.ALIGNMENT_BYTES);
      } else {
        buffer = free.take();
      }
      Filling fresh = new Filling(buffer, begun++);
      filling = Optional.of(fresh);
      return fresh;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ImageException(ImageException.Reason.CANCELLED, "writing a pack was cancelled", "run it again", e);
    }
  }

  private void write(Filling full) throws ImageException {
    ByteBuffer table = Pack.table(full.entries);
    String name = Pack.name(table);
    int length = Pack.end(full.buffer, full.at, table);
    Path unfinished = root.resolve(Repository.UNFINISHED)
        .resolve(Self.pid() + "-" + Integer.toHexString(System.identityHashCode(this)) + "-"
            + full.number + Pack.SUFFIX);
    try {
      synchronized (this) {
        unfinishedPacks.put(name, unfinished);
      }
      disk.largeFile(unfinished, full.buffer, length);
    } catch (IOException e) {
      throw Faults.of(e, "cannot write a pack", root);
    } finally {
      free.add(full.buffer);
    }
    List<Pack.Entry> named = full.entries.stream()
        .map(entry -> new Pack.Entry(entry.id(), name, entry.offset(), entry.storedBytes(), entry.bytes())).toList();
    store.add(named, unfinished);
    synchronized (this) {
      entries.addAll(named);
      lengths.put(name, (long) length);
    }
  }

  /// Writes what is not full as well. Call when nobody puts any more.
  void finish() throws ImageException {
    Optional<Filling> last;
    synchronized (this) {
      last = filling;
      filling = Optional.empty();
    }
    if (last.isPresent()) {
      write(last.get());
    }
  }

  /// Gives packs their names. Killed in here, some are there that no index names: prune finds them.
  private void name() throws ImageException {
    try {
      for (Map.Entry<String, Path> pack : unfinishedPacks.entrySet()) {
        disk.rename(pack.getValue(), root.resolve(Repository.PACKS).resolve(pack.getKey() + Pack.SUFFIX));
      }
      disk.sync(root.resolve(Repository.PACKS));
    } catch (IOException e) {
      throw Faults.of(e, "cannot bring packs to the device", root);
    }
  }

  /// @return by how much packs have grown
  synchronized long addedBytes() {
    return lengths.values().stream().mapToLong(Long::longValue).sum();
  }

  /// Makes what was put findable for all. From then on it stays, whatever becomes of the checkpoint.
  void index() throws ImageException {
    index(List.of(), Map.of());
  }

  /// As [#index], with chunks of older packs in the same index.
  ///
  /// @return the index, unless there was nothing to put into one
  synchronized Optional<Path> index(List<Pack.Entry> others, Map<String, Long> otherLengths) throws ImageException {
    Optional<Path> published = Optional.empty();
    name();
    List<Pack.Entry> sorted = new ArrayList<>(entries);
    sorted.addAll(others);
    if (!sorted.isEmpty()) {
      sorted.sort(Comparator.comparing(Pack.Entry::id));
      Map<String, Long> all = new HashMap<>(lengths);
      all.putAll(otherLengths);
      published = Optional.of(publish(IndexFile.encode(sorted, all)));
    }
    indexed = true;
    return published;
  }

  /// The packs it has written.
  synchronized Set<Path> files() {
    Set<Path> files = new HashSet<>();
    lengths.keySet().forEach(pack -> files.add(root.resolve(Repository.PACKS).resolve(pack + Pack.SUFFIX)));
    return files;
  }

  private Path publish(ByteBuffer content) throws ImageException {
    Path unfinished = root.resolve(Repository.UNFINISHED).resolve(Self.pid() + "-"
        + Integer.toHexString(System.identityHashCode(this)) + IndexFile.SUFFIX);
    Path folder = root.resolve(Repository.INDEX);
    try {
      disk.file(unfinished, content.duplicate());
      indexed = true; // from here on another writer may see it
      Path file = folder.resolve(IndexFile.name(content));
      disk.rename(unfinished, file);
      disk.sync(folder);
      return file;
    } catch (IOException e) {
      throw Faults.of(e, "cannot write the index", root);
    }
  }

  /// Lets go of buffers; takes back packs that nobody can have found yet. Call when nobody puts any more.
  @Override
  public void close() throws ImageException {
    arena.close();
    try {
      if (!indexed) {
        // One that has its name already may be another writer's by now, who packed the same: that stays.
        for (Path unfinished : unfinishedPacks.values()) {
          Files.deleteIfExists(unfinished);
        }
      }
    } catch (IOException e) {
      throw Faults.of(e, "cannot take back packs", root);
    }
  }
}

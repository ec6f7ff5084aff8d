package stasis.repository;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Removes chunks that no checkpoint needs. At every moment each chunk that one needs is in a pack that an index names.
final class Pruning {
  /// A pack with a smaller part of it alive is written anew.
  private static final double WORTH_KEEPING = 0.7;

  private final Path root;
  private final Vault vault;
  private final Disk disk;
  private final Checkpoints checkpoints;

  Pruning(Path root, Vault vault, Disk disk, Checkpoints checkpoints) {
    this.root = root;
    this.vault = vault;
    this.disk = disk;
    this.checkpoints = checkpoints;
  }

  /// @param kept entries that stay where they are @param moved those that go to new packs
  private record Decision(List<Pack.Entry> kept, List<Pack.Entry> moved, Map<String, Long> keptPacks,
      List<Path> oldPacks) {}

  Catalogue.Pruned run(boolean dryRun) throws ImageException {
    try (ChunkStore store = ChunkStore.open(root, vault)) {
      Decision decision = decide(alive(store));
      long before = bytes();
      long movedBytes = decision.moved().stream().mapToLong(Pack.Entry::storedBytes).sum();
      long oldBytes = 0;
      for (Path pack : decision.oldPacks()) {
        oldBytes += size(pack);
      }
      if (!dryRun) {
        apply(decision, store);
      }
      Set<String> rewritten = new HashSet<>();
      decision.moved().forEach(entry -> rewritten.add(entry.pack()));
      return new Catalogue.Pruned(dryRun ? oldBytes - movedBytes : before - bytes(),
          decision.oldPacks().size() - rewritten.size(), rewritten.size(),
          decision.kept().size() + decision.moved().size());
    }
  }

  /// Where each chunk lies that is needed. A checkpoint that cannot be read forbids it all: nobody knows what it needs.
  private Map<ChunkId, Pack.Entry> alive(ChunkStore store) throws ImageException {
    Map<ChunkId, Pack.Entry> alive = new HashMap<>();
    try (ChunkReader reader = new ChunkReader(store)) {
      for (String name : checkpoints.names()) {
        for (int number : checkpoints.numbers(name)) {
          LiveChunks.each(checkpoints.read(name, number), reader, id -> {
            if (!alive.containsKey(id)) {
              Optional<Pack.Entry> entry = store.find(id);
              if (entry.isEmpty()) {
                throw new ImageException(ImageException.Reason.DAMAGED, "checkpoint " + name + "@" + number + " in "
                    + root + " lacks chunk " + id, "forget it, or put the missing pack back, before pruning");
              }
              alive.put(id, entry.get());
            }
          });
        }
      }
    }
    return alive;
  }

  private Decision decide(Map<ChunkId, Pack.Entry> alive) throws ImageException {
    Map<String, Long> used = new HashMap<>();
    alive.values().forEach(entry -> used.merge(entry.pack(), (long) entry.storedBytes(), Long::sum));
    Map<String, Long> keptPacks = new HashMap<>();
    List<Path> oldPacks = new ArrayList<>();
    for (Path pack : packs()) {
      String name = pack.getFileName().toString().replace(Pack.SUFFIX, "");
      long size = size(pack);
      if (used.getOrDefault(name, 0L) >= WORTH_KEEPING * size) {
        keptPacks.put(name, size);
      } else {
        oldPacks.add(pack);
      }
    }
    List<Pack.Entry> kept = alive.values().stream().filter(entry -> keptPacks.containsKey(entry.pack())).toList();
    List<Pack.Entry> moved = alive.values().stream().filter(entry -> !keptPacks.containsKey(entry.pack())).toList();
    return new Decision(kept, moved, keptPacks, oldPacks);
  }

  private void apply(Decision decision, ChunkStore store) throws ImageException {
    try (PackWriter packs = new PackWriter(root, disk, store); ChunkReader reader = new ChunkReader(store)) {
      for (Path leftover : ChunkStore.files(root.resolve(Repository.UNFINISHED), "")) {
        disk.delete(leftover);
      }
      for (Pack.Entry entry : decision.moved()) {
        reader.read(entry);
        packs.put(entry.id(), reader.stored(), entry.storedBytes(), entry.bytes());
      }
      packs.finish();
      Optional<Path> fresh = packs.index(decision.kept(), decision.keptPacks());
      Path folder = root.resolve(Repository.INDEX);
      for (Path index : ChunkStore.files(folder, IndexFile.SUFFIX)) {
        if (fresh.filter(index::equals).isEmpty()) {
          disk.delete(index);
        }
      }
      disk.sync(folder);
      Set<Path> written = packs.files();
      for (Path pack : decision.oldPacks()) {
        if (!written.contains(pack)) {
          disk.delete(pack);
        }
      }
    } catch (IOException e) {
      throw Faults.of(e, "cannot prune", root);
    }
  }

  private List<Path> packs() throws ImageException {
    try {
      return ChunkStore.files(root.resolve(Repository.PACKS), Pack.SUFFIX);
    } catch (IOException e) {
      throw Faults.of(e, "cannot read packs", root);
    }
  }

  private static long size(Path file) throws ImageException {
    try {
      return Files.exists(file) ? Files.size(file) : 0;
    } catch (IOException e) {
      throw Faults.of(e, "cannot read packs", file);
    }
  }

  private long bytes() throws ImageException {
    long sum = 0;
    for (Path pack : packs()) {
      sum += size(pack);
    }
    return sum;
  }
}

package stasis.repository;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Looks through a repository for what is damaged or missing, and says which checkpoints that hits.
final class Verification {
  private static final int MAX_THREADS = 8;

  private final Path root;
  private final Vault vault;
  private final Checkpoints checkpoints;
  private final List<String> problems = new ArrayList<>();

  Verification(Path root, Vault vault, Checkpoints checkpoints) {
    this.root = root;
    this.vault = vault;
    this.checkpoints = checkpoints;
  }

  List<String> run(boolean everyByte) throws ImageException {
    try (ChunkStore store = ChunkStore.open(root, vault)) {
      Map<ChunkId, Pack.Entry> known = new HashMap<>();
      for (IndexFile index : store.indexes()) {
        attempt(index::verify);
        index.each(entry -> known.put(entry.id(), entry));
      }
      Set<Pack.Entry> lost = packs(store);
      if (everyByte) {
        lost.addAll(damaged(known.values(), store));
      }
      Set<ChunkId> bad = new HashSet<>();
      lost.forEach(entry -> bad.add(entry.id()));
      for (String name : checkpoints.names()) {
        for (int number : checkpoints.numbers(name)) {
          attempt(() -> checkpoint(name, number, store, known, bad));
        }
      }
      return List.copyOf(problems);
    }
  }

  private interface Attempt {
    void run() throws ImageException;
  }

  /// @throws ImageException only when the verification itself is ended
  private boolean attempt(Attempt attempt) throws ImageException {
    try {
      attempt.run();
      return true;
    } catch (ImageException e) {
      if (e.reason() == ImageException.Reason.CANCELLED) {
        throw e;
      }
      problems.add(e.getMessage());
      return false;
    }
  }

  /// Compares indexes with the tables of the packs. @return what an index names and no pack has
  private Set<Pack.Entry> packs(ChunkStore store) throws ImageException {
    Map<String, Set<Pack.Entry>> tables = new HashMap<>();
    for (String pack : store.packs()) {
      tables.put(pack, new HashSet<>());
      attempt(() -> {
        if (!Files.exists(store.packFile(pack))) {
          throw new ImageException(ImageException.Reason.DAMAGED, "the pack " + store.packFile(pack) + " is gone",
              "take it from another copy of the repository");
        }
        tables.put(pack, new HashSet<>(Pack.read(store.packFile(pack))));
      });
    }
    Set<Pack.Entry> lost = new HashSet<>();
    for (IndexFile index : store.indexes()) {
      index.each(entry -> {
        if (!tables.getOrDefault(entry.pack(), Set.of()).contains(entry)) {
          lost.add(entry);
        }
      });
    }
    return lost;
  }

  /// Reads chunks. @return those that are not what was written
  private List<Pack.Entry> damaged(Iterable<Pack.Entry> entries, ChunkStore store) throws ImageException {
    List<List<Pack.Entry>> shares = shares(entries);
    Map<Pack.Entry, String> found = new LinkedHashMap<>();
    try (ExecutorService workers = Executors.newFixedThreadPool(Math.max(1, shares.size()),
        Thread.ofPlatform().name("stasis-verify-", 0).daemon().factory())) {
      List<Future<Map<Pack.Entry, String>>> results = new ArrayList<>();
      for (List<Pack.Entry> share : shares) {
        results.add(workers.submit(() -> damaged(share, store)));
      }
      for (Future<Map<Pack.Entry, String>> result : results) {
        found.putAll(result.get());
      }
    } catch (ExecutionException e) {
      throw new AssertionError("verifying broke", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ImageException(ImageException.Reason.CANCELLED, "verifying was cancelled", "run it again", e);
    }
    problems.addAll(found.values());
    return List.copyOf(found.keySet());
  }

  /// In the order of the packs, one for each processor.
  private static List<List<Pack.Entry>> shares(Iterable<Pack.Entry> entries) {
    int threads = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, MAX_THREADS);
    List<Pack.Entry> ordered = new ArrayList<>();
    entries.forEach(ordered::add);
    ordered.sort(Comparator.comparing(Pack.Entry::pack).thenComparingInt(Pack.Entry::offset));
    int size = Math.max(1, (ordered.size() + threads - 1) / threads);
    List<List<Pack.Entry>> shares = new ArrayList<>();
    for (int from = 0; from < ordered.size(); from += size) {
      shares.add(ordered.subList(from, Math.min(from + size, ordered.size())));
    }
    return shares;
  }

  private static Map<Pack.Entry, String> damaged(List<Pack.Entry> share, ChunkStore store) {
    Map<Pack.Entry, String> found = new LinkedHashMap<>();
    try (ChunkReader reader = new ChunkReader(store)) {
      for (Pack.Entry entry : share) {
        try {
          reader.read(entry);
        } catch (ImageException e) {
          found.put(entry, e.getMessage());
        }
      }
    }
    return found;
  }

  private void checkpoint(String name, int number, ChunkStore store, Map<ChunkId, Pack.Entry> known,
      Set<ChunkId> bad) throws ImageException {
    Manifest manifest = checkpoints.read(name, number);
    Set<ChunkId> missing = new HashSet<>();
    for (ChunkId id : LiveChunks.ofManifest(manifest)) {
      if (!known.containsKey(id) || bad.contains(id)) {
        missing.add(id);
      }
    }
    if (missing.isEmpty()) {
      try (ChunkReader reader = new ChunkReader(store)) {
        LiveChunks.each(manifest, reader, id -> {
          if (!known.containsKey(id) || bad.contains(id)) {
            missing.add(id);
          }
        });
      }
    }
    Optional<ChunkId> first = missing.stream().min(ChunkId::compareTo);
    if (first.isPresent()) {
      throw new ImageException(ImageException.Reason.DAMAGED, "checkpoint " + manifest.title() + " lacks "
          + missing.size() + (missing.size() == 1 ? " chunk, " : " chunks, the first ") + first.get(),
          "take the pack from another copy of the repository, or forget the checkpoint");
    }
  }

  Catalogue.Figures figures(List<KeptImage> images) throws ImageException {
    try (ChunkStore store = ChunkStore.open(root, vault); ChunkReader reader = new ChunkReader(store)) {
      Map<ChunkId, Pack.Entry> alive = new HashMap<>();
      for (KeptImage image : images) {
        LiveChunks.each(checkpoints.read(image.name(), image.number()), reader, id -> {
          if (!alive.containsKey(id)) {
            store.find(id).ifPresent(entry -> alive.put(id, entry));
          }
        });
      }
      List<Path> packs = ChunkStore.files(root.resolve(Repository.PACKS), Pack.SUFFIX);
      return new Catalogue.Figures(images.size(), (int) images.stream().map(KeptImage::name).distinct().count(),
          images.stream().mapToLong(KeptImage::contentBytes).sum(), alive.size(),
          alive.values().stream().mapToLong(Pack.Entry::bytes).sum(),
          alive.values().stream().mapToLong(Pack.Entry::storedBytes).sum(), packs.size(), bytes(packs),
          bytes(ChunkStore.files(root.resolve(Repository.INDEX), IndexFile.SUFFIX)));
    } catch (IOException e) {
      throw Faults.of(e, "cannot read the repository", root);
    }
  }

  private static long bytes(List<Path> files) throws IOException {
    long sum = 0;
    for (Path file : files) {
      sum += Files.size(file);
    }
    return sum;
  }
}

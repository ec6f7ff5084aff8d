package stasis.repository;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import stasis.linux.abi.Bytes;
import stasis.linux.sys.Self;

/// Writes one checkpoint into a repository. For one thread.
final class RepositoryWriter implements ImageWriter {
  private static final int MAX_ATTEMPTS = 1000;

  private final Path root;
  private final String name;
  private final Optional<SigningKey> signer;
  private final Disk disk;
  private final RepositoryLock lock;
  private final ChunkStore store;
  private final Consumer<WriteStep> listener;
  private final PackWriter packs;
  private final ChunkPacker packer;
  private final ChunkMap.Builder map;
  private Optional<ChunkSink> sink = Optional.empty();
  private Optional<EarlierChunks> earlier = Optional.empty();
  private Optional<ImageContent> content = Optional.empty();
  private Optional<Manifest> committed = Optional.empty();
  private Optional<Bytes> certificate = Optional.empty();
  private final List<ChunkId> wanted = new ArrayList<>();
  private boolean closed;

  RepositoryWriter(Path root, String name, Optional<SigningKey> signer, Disk disk, RepositoryLock lock,
      ChunkStore store, Consumer<WriteStep> listener) {
    this.root = root;
    this.name = name;
    this.signer = signer;
    this.disk = disk;
    this.lock = lock;
    this.store = store;
    this.listener = listener;
    this.packs = new PackWriter(root, disk, store);
    this.packer = new ChunkPacker(packs, store.vault());
    this.map = new ChunkMap.Builder(packer);
  }

  @Override
  public Optional<EarlierImage> earlier(ImageIdentity image) {
    Optional<CheckpointName> found = CheckpointName.parse(image.title());
    if (found.isEmpty()) {
      return Optional.empty();
    }
    try {
      Manifest manifest = new Checkpoints(root, store.vault()).find(found.get());
      if (!manifest.root().equals(image.root())) {
        return Optional.empty();
      }
      RepositoryReader reader = RepositoryReader.open(manifest, store, () -> { });
      EarlierChunks pages = new EarlierChunks(reader.map(), id -> store.find(id).isPresent());
      earlier = Optional.of(pages);
      return Optional.of(new EarlierImage(reader.metadata(), reader.pageBytes(), pages));
    } catch (ImageException _) {
      return Optional.empty(); // what cannot be read is not kept
    }
  }

  @Override
  public Optional<AheadPages> ahead(ImageContent told) {
    List<ChunkMap.Piece> pieces = new ArrayList<>();
    ChunkSink into = new ChunkSink(told, earlier, packs, store.vault(), pieces::add);
    return Optional.of(new AheadPages() {
      @Override
      public PageSink pages() {
        return into;
      }

      @Override
      public EarlierPages finish() throws ImageException {
        into.finish();
        EarlierChunks all = new EarlierChunks(ChunkMap.of(pieces), _ -> true);
        earlier = Optional.of(all);
        return all;
      }

      @Override
      public void close() {
        into.close();
      }
    });
  }

  @Override
  public Optional<ImageIdentity> identity() {
    return committed.map(manifest -> new ImageIdentity(manifest.title(), manifest.root()));
  }

  @Override
  public void writeMetadata(ImageContent told) throws ImageException {
    if (sink.isPresent() || closed) {
      throw new IllegalStateException("the metadata is written once");
    }
    content = Optional.of(told);
    sink = Optional.of(new ChunkSink(told, earlier, packs, store.vault(), map));
    listener.accept(WriteStep.METADATA_WRITTEN);
  }

  @Override
  public PageSink pages() {
    return sink.orElseThrow(() -> new IllegalStateException("the metadata comes before the pages"));
  }

  @Override
  public boolean takesCertificate() {
    return true;
  }

  @Override
  public void certify(Bytes told) {
    certificate = Optional.of(told);
  }

  /// Whether it closes what it writes.
  boolean closes() {
    return store.vault().closes();
  }

  @Override
  public <X extends Exception> long commit(Check<X> check) throws X, ImageException {
    return committed(check).addedBytes();
  }

  /// As [#commit]. @return what it has become
  <X extends Exception> Manifest committed(Check<X> check) throws X, ImageException {
    ImageContent what = content.orElseThrow(() -> new IllegalStateException("the metadata comes before the commit"));
    if (committed.isPresent() || closed) {
      throw new IllegalStateException("an image is committed once");
    }
    sink.orElseThrow().finish();
    List<Manifest.Part> pages = map.finish();
    List<Manifest.Part> metadata = metadata(what.metadata());
    listener.accept(WriteStep.PAGES_WRITTEN);
    packs.finish();
    listener.accept(WriteStep.SYNCED);
    Manifest manifest = new Manifest(name, 1, what.facts(), what.metadata().length(), what.pageBytes(),
        packs.addedBytes(), metadata, pages, Optional.empty(), Optional.empty());
    try (ImageReader written = RepositoryReader.open(manifest, store, () -> { })) {
      check.examine(written);
    }
    manifest = manifest.certified(certificate);
    listener.accept(WriteStep.CHECKED);
    packs.index();
    listener.accept(WriteStep.TRAILER_WRITTEN);
    Manifest published = publish(signer.isPresent() ? manifest.signed(signer.get()) : manifest);
    committed = Optional.of(published);
    return published;
  }

  /// Takes over a checkpoint of another repository: the chunks that are not here, as they lie there.
  Manifest take(Manifest other, ChunkReader from) throws ImageException {
    LiveChunks.each(other, from, id -> {
      if (packs.claim(id)) {
        wanted.add(id);
      }
    });
    for (ChunkId id : wanted) {
      int length = from.read(id);
      packs.put(id, from.stored(), from.storedBytes(), length);
    }
    packs.finish();
    packs.index();
    Manifest copy = new Manifest(name, 1, other.facts(), other.metadataBytes(), other.pageBytes(),
        packs.addedBytes(), other.metadata(), other.pages(), other.certificate(), other.signature());
    Manifest taken = publish(signer.isPresent() ? copy.signed(signer.get()) : copy);
    committed = Optional.of(taken);
    return taken;
  }

  /// Chunks of 64 KiB.
  private List<Manifest.Part> metadata(Bytes all) throws ImageException {
    List<Manifest.Part> parts = new ArrayList<>();
    for (int at = 0; at < all.length(); at += Pack.MAX_CHUNK_BYTES) {
      byte[] part = all.slice(at, Math.min(Pack.MAX_CHUNK_BYTES, all.length() - at)).toArray();
      parts.add(new Manifest.Part(packer.store(part, 0, part.length), part.length));
    }
    return parts;
  }

  /// Gives it the next number that is free.
  private Manifest publish(Manifest manifest) throws ImageException {
    Path checkpoints = root.resolve(Repository.CHECKPOINTS);
    Path folder = checkpoints.resolve(name);
    Path unfinished = root.resolve(Repository.UNFINISHED).resolve(Self.pid() + "-"
        + Integer.toHexString(System.identityHashCode(this)) + "-checkpoint");
    try {
      if (!Files.isDirectory(folder)) {
        disk.folder(folder);
        disk.sync(checkpoints);
      }
      Manifest numbered = link(manifest, unfinished, folder);
      listener.accept(WriteStep.RENAMED);
      disk.delete(unfinished);
      disk.sync(folder);
      listener.accept(WriteStep.FOLDER_SYNCED);
      return numbered;
    } catch (IOException e) {
      throw Faults.of(e, "cannot write the checkpoint", folder);
    }
  }

  private Manifest link(Manifest manifest, Path unfinished, Path folder) throws IOException, ImageException {
    int number = Checkpoints.last(folder) + 1;
    for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      Manifest numbered = manifest.numbered(number);
      try {
        disk.file(unfinished, store.vault().closeCheckpoint(numbered.encode(), numbered.title()));
        disk.link(unfinished, folder.resolve(Integer.toString(number)));
        return numbered;
      } catch (FileAlreadyExistsException _) {
        disk.delete(unfinished); // another writer's number
        number++;
      }
    }
    throw new IOException("no number is free");
  }

  @Override
  public String title() {
    return committed.map(Manifest::title).orElse(name);
  }

  @Override
  public void close() throws ImageException {
    if (closed) {
      return;
    }
    closed = true;
    sink.ifPresent(ChunkSink::close);
    packer.close();
    try (lock; store) {
      packs.close();
    }
  }
}

package stasis.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import stasis.linux.abi.Bytes;
import stasis.linux.sys.Self;

/// Writes one image in one pass: [#writeMetadata], then [#pages], then [#commit]. Until commit the file has a name no
/// reader looks at; close without commit deletes it. A writer that is killed leaves a file the next one deletes.
/// Owns the folder's lock. For one thread.
final class FolderWriter implements ImageWriter {
  private final Path folder;
  private final boolean folderMade;
  private final FolderLock lock;
  private final Consumer<WriteStep> listener;
  private final Protection protection;
  private final Path partial;
  private final FileChannel channel;
  private final MessageDigest sha256 = Layout.sha256();
  private Optional<FolderSink> sink = Optional.empty();
  private Optional<SealWriter> seal = Optional.empty();
  private Optional<DirectFile> direct = Optional.empty();
  private Bytes metadata = Bytes.EMPTY;
  private Optional<Bytes> certificate = Optional.empty();
  private Optional<Path> certified = Optional.empty();
  private boolean committed;
  private boolean closed;

  /// Memory of a program is as private as the program: mode 0600.
  FolderWriter(Path folder, boolean folderMade, FolderLock lock, Protection protection,
      Consumer<WriteStep> listener)
      throws ImageException {
    this.folder = folder;
    this.protection = protection;
    this.folderMade = folderMade;
    this.lock = lock;
    this.listener = listener;
    this.partial = folder.resolve(ImageStore.PARTIAL_PREFIX + Self.pid());
    try {
      this.channel = FileChannel.open(partial, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    } catch (IOException e) {
      throw Faults.of(e, "cannot begin the statefile", folder);
    }
  }

  @Override
  public void writeMetadata(ImageContent content) throws ImageException {
    metadata = content.metadata();
    if (sink.isPresent() || closed) {
      throw new IllegalStateException("the metadata is written once");
    }
    Layout layout = new Layout(metadata.length(), content.pageBytes(), protection.signer().isPresent());
    refuseFullDevice(layout.fileBytes());
    ByteBuffer head = ByteBuffer.allocate((int) layout.pageOffset());
    head.put(layout.preamble()).put(metadata.buffer()).clear();
    sha256.update(head.duplicate());
    seal = protection.keys().isEmpty() ? Optional.empty() : Optional.of(sealed(layout));
    write(head, "cannot write the metadata");
    direct = seal.isPresent() || layout.pageBytes() < Layout.DIRECT_FROM_BYTES ? Optional.empty()
        : DirectFile.open(partial, true);
    sink = Optional.of(new FolderSink(this::writeAt, direct, folder, layout));
    listener.accept(WriteStep.METADATA_WRITTEN);
  }

  private SealWriter sealed(Layout layout) throws ImageException {
    SealWriter closing = new SealWriter(protection.keys(), layout.fileBytes(), this::append);
    try {
      closing.begin();
      return closing;
    } catch (IOException e) {
      throw Faults.of(e, "cannot write the metadata", folder);
    }
  }

  @Override
  public FolderSink pages() {
    return sink.orElseThrow(() -> new IllegalStateException("the metadata comes before the pages"));
  }

  @Override
  public <X extends Exception> long commit(Check<X> check) throws X, ImageException {
    FolderSink pages = pages();
    if (committed || closed) {
      throw new IllegalStateException("an image is committed once");
    }
    ByteBuffer table = pages.table();
    listener.accept(WriteStep.PAGES_WRITTEN);
    Layout layout = pages.layout();
    position(layout.trailerOffset());
    write(table.duplicate(), "cannot write the trailer");
    byte[] head = sha256.digest();
    write(layout.tail(head, Layout.crc(table)), "cannot write the trailer");
    if (protection.signer().isPresent()) {
      write(Protection.signature(protection.signer().get(), head, pages.digests()), "cannot write the signature");
    }
    listener.accept(WriteStep.TRAILER_WRITTEN);
    try (BackgroundSync sync = BackgroundSync.begin(channel)) {
      Opener opener = seal.map(SealWriter::opener).orElse(Opener.of(Keys.NONE));
      try (ImageReader written = FolderReader.openFile(partial, opener)) {
        check.examine(written);
      }
      await(sync);
    }
    listener.accept(WriteStep.SYNCED);
    listener.accept(WriteStep.CHECKED);
    publish();
    return seal.map(SealWriter::fileBytes).orElse(layout.fileBytes());
  }

  private void await(BackgroundSync sync) throws ImageException {
    try {
      sync.await();
    } catch (IOException e) {
      throw Faults.of(e, "cannot bring the statefile to the device", folder);
    }
  }

  /// What a guarded image says is closed and signed as a whole, which a file beside it is not.
  @Override
  public boolean takesCertificate() {
    return protection.keys().isEmpty() && protection.signer().isEmpty();
  }

  @Override
  public void certify(Bytes told) {
    certificate = Optional.of(told);
  }

  @Override
  public String title() {
    return folder.toString();
  }

  private void append(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private void writeAt(ByteBuffer bytes, long offset) throws IOException {
    if (seal.isPresent()) {
      seal.get().write(bytes); // front to back, as all that is closed
      return;
    }
    for (long at = offset; bytes.hasRemaining();) {
      at += channel.write(bytes, at);
    }
  }

  private void publish() throws ImageException {
    try {
      if (certificate.isPresent()) {
        certified = Optional.of(CertificateFile.write(folder, metadata, certificate.get()));
      }
      Files.move(partial, folder.resolve(ImageStore.STATEFILE), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw Faults.of(e, "cannot give the statefile its name", folder);
    }
    committed = true;
    listener.accept(WriteStep.RENAMED);
    try {
      CertificateFile.deleteOthers(folder, certified);
      ImageStore.sync(folder);
    } catch (IOException e) {
      throw Faults.of(e, "the image is written but may not survive a power cut: cannot sync the folder", folder);
    }
    listener.accept(WriteStep.FOLDER_SYNCED);
  }

  /// Lets go of the folder; deletes what was not committed, and the folder too if it was made for it.
  @Override
  public void close() throws ImageException {
    if (closed) {
      return;
    }
    closed = true;
    sink.ifPresent(FolderSink::close);
    try (lock; channel) {
      direct.ifPresent(DirectFile::close);
      if (!committed) {
        Files.deleteIfExists(partial);
        if (certified.isPresent()) {
          Files.deleteIfExists(certified.get());
        }
      }
    } catch (IOException e) {
      throw Faults.of(e, "cannot clean up after writing", folder);
    }
    if (!committed) {
      ImageStore.removeFolder(folder, folderMade);
    }
  }

  private void refuseFullDevice(long neededBytes) throws ImageException {
    try {
      FileStore store = Files.getFileStore(folder);
      long freeBytes = store.getUsableSpace();
      boolean told = store.getTotalSpace() > 0; // some file systems report no sizes at all
      if (told && freeBytes < neededBytes) {
        throw new ImageException(ImageException.Reason.DEVICE, "the image needs " + mebibytes(neededBytes) + " and "
            + folder + " has " + mebibytes(freeBytes) + " free",
            "free space there or choose a folder on another device");
      }
    } catch (IOException e) {
      throw Faults.of(e, "cannot see how much space is free", folder);
    }
  }

  private void position(long offset) throws ImageException {
    try {
      if (seal.isEmpty()) {
        channel.position(offset);
      }
    } catch (IOException e) {
      throw Faults.of(e, "cannot write the trailer", folder);
    }
  }

  private static String mebibytes(long bytes) {
    return ((bytes + (1 << 20) - 1) >> 20) + " MiB";
  }

  private void write(ByteBuffer bytes, String attempt) throws ImageException {
    try {
      if (seal.isPresent()) {
        seal.get().write(bytes);
      } else {
        append(bytes);
      }
    } catch (IOException e) {
      throw Faults.of(e, attempt, folder);
    }
  }
}

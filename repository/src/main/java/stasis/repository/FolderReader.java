package stasis.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.BitSet;
import java.util.Optional;
import stasis.linux.abi.Bytes;

/// An image as it lies on the device, hostile until proven whole: [#open] checks lengths, digests and features of
/// everything but page contents, [#verifyPages] those. Keeps the file open, so an image replaced meanwhile changes
/// nothing for [#readPages].
final class FolderReader implements ImageReader {
  private static final int TAIL_SHA_OFFSET = 24;

  private final Path file;
  private final ByteSource source;
  private final Layout layout;
  private final ByteBuffer table;
  private final Optional<SignedPages> signature;
  private Optional<LaidOut> laidOut = Optional.empty();

  private FolderReader(Path file, ByteSource source, Layout layout, ByteBuffer table,
      Optional<SignedPages> signature) {
    this.file = file;
    this.source = source;
    this.layout = layout;
    this.table = table;
    this.signature = signature;
  }

  /// @param image the folder, or the statefile in it
  /// @throws ImageException in one sentence: no image, damaged, or newer than this reader
  static FolderReader open(Path image, Opener opener) throws ImageException {
    if (!Files.isDirectory(image)) {
      return openFile(image, opener);
    }
    if (!ImageStore.holdsImage(image)) {
      throw new ImageException(ImageException.Reason.NO_IMAGE, image + " holds no image"
          + (interrupted(image) ? ": its checkpoint was interrupted" : ""),
          "give the folder that `stasis checkpoint --image` wrote");
    }
    return openFile(image.resolve(ImageStore.STATEFILE), opener);
  }

  private static boolean interrupted(Path folder) throws ImageException {
    try {
      return !ImageStore.partials(folder).isEmpty();
    } catch (IOException e) {
      throw Faults.of(e, "cannot read the image folder", folder);
    }
  }

  static FolderReader openFile(Path file, Opener opener) throws ImageException {
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw notAnImage(file);
    }
    try {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
      try {
        return checked(file, source(file, channel, opener));
      } catch (IOException | ImageException | RuntimeException | Error e) {
        channel.close();
        throw e;
      }
    } catch (NoSuchFileException e) {
      throw new ImageException(ImageException.Reason.NO_IMAGE, "there is no " + file, "check the path", e);
    } catch (IOException e) {
      throw Faults.of(e, "cannot read the statefile", file);
    }
  }

  /// The statefile in a file: as it is, or opened.
  private static ByteSource source(Path file, FileChannel channel, Opener opener) throws IOException, ImageException {
    ByteSource plain = new ByteSource.Plain(channel);
    ByteBuffer preamble = preamble(file, plain);
    if (!Seal.isOne(preamble)) {
      opener.notClosed(file.toString());
      return plain;
    }
    Seal seal = Seal.read(file, channel, preamble);
    return new SealedSource(file, channel, seal, opener.open(seal.box(), file.toString()));
  }

  /// How long a file will be, by its beginning.
  static long announcedBytes(Path file, FileChannel channel) throws IOException, ImageException {
    ByteSource plain = new ByteSource.Plain(channel);
    ByteBuffer preamble = preamble(file, plain);
    return Seal.isOne(preamble) ? Seal.announcedBytes(file, preamble) : layout(file, plain).fileBytes();
  }

  static void refuseLength(Path file, long size, long expected) throws ImageException {
    if (size != expected) {
      throw damaged(file, size < expected ? "is cut short: " + size + " of " + expected + " bytes are there"
          : "has " + (size - expected) + " bytes too many");
    }
  }

  private static FolderReader checked(Path file, ByteSource channel) throws IOException, ImageException {
    Layout layout = layout(file, channel);
    long size = channel.size();
    refuseLength(file, size, layout.fileBytes());
    ByteBuffer table = read(channel, layout.trailerOffset(), 4 * layout.chunks());
    ByteBuffer tail = read(channel, layout.signatureOffset() - Layout.TAIL_BYTES, Layout.TAIL_BYTES);
    byte[] sha256 = digest(channel, layout.pageOffset());
    if (tail.getLong(Layout.TAIL_BYTES - 8) != Layout.END_MAGIC) {
      throw damaged(file, "has no end mark");
    } else if (!tail.slice(TAIL_SHA_OFFSET, Layout.SHA256_BYTES).equals(ByteBuffer.wrap(sha256))) {
      throw damaged(file, "has metadata that do not match their SHA-256");
    } else if (!tail.equals(layout.tail(sha256, Layout.crc(table)))) {
      throw damaged(file, "has a damaged trailer");
    }
    return new FolderReader(file, channel, layout, table, layout.signed()
        ? Optional.of(SignedPages.read(file, channel, layout, sha256)) : Optional.empty());
  }

  /// The first 64 bytes, which are whole.
  private static ByteBuffer preamble(Path file, ByteSource channel) throws IOException, ImageException {
    if (channel.size() < Layout.PREAMBLE_BYTES) {
      throw notAnImage(file);
    }
    ByteBuffer preamble = read(channel, 0, Layout.PREAMBLE_BYTES);
    if (preamble.getLong(0) != Layout.MAGIC) {
      throw notAnImage(file);
    }
    if (preamble.getInt(Layout.PREAMBLE_BYTES - 4) != Layout.crc(preamble.slice(0, Layout.PREAMBLE_BYTES - 4))) {
      throw damaged(file, "has a damaged preamble");
    }
    return preamble;
  }

  /// What the first 64 bytes say of the rest.
  private static Layout layout(Path file, ByteSource channel) throws IOException, ImageException {
    Preamble fields = Preamble.of(preamble(file, channel));
    if (fields.version() > Layout.VERSION || fields.version() < 1
        || (fields.requiredFeatures() & ~Layout.SIGNED) != 0) {
      throw new ImageException(ImageException.Reason.TOO_NEW, file + " has format version "
          + Integer.toUnsignedString(fields.version()) + " with features 0x"
          + Long.toHexString(fields.requiredFeatures()) + ", and this reader knows version "
          + Layout.VERSION, "restore it with the Stasis that wrote it, or a newer one");
    }
    try {
      Layout layout = new Layout(fields.metadataBytes(), fields.pageBytes(),
          fields.requiredFeatures() == Layout.SIGNED);
      if (fields.pageOffset() == layout.pageOffset() && fields.chunkBytes() == Layout.CHUNK_BYTES) {
        return layout;
      }
      throw damaged(file, "has a preamble that contradicts itself");
    } catch (IllegalArgumentException e) {
      throw damaged(file, "has impossible lengths");
    }
  }

  /// What the first 64 bytes say.
  private record Preamble(int version, int chunkBytes, long requiredFeatures, long metadataBytes, long pageOffset,
      long pageBytes) {
    static Preamble of(ByteBuffer preamble) {
      return new Preamble(preamble.getInt(8), preamble.getInt(12), preamble.getLong(16), preamble.getLong(32),
          preamble.getLong(40), preamble.getLong(48));
    }
  }

  private static ImageException notAnImage(Path file) {
    return new ImageException(ImageException.Reason.NO_IMAGE, file + " is not a Stasis image",
        "give the folder that `stasis checkpoint --image` wrote");
  }

  static ImageException damaged(Path file, String how) {
    return new ImageException(ImageException.Reason.DAMAGED, file + " " + how, "take another copy of the image");
  }

  private static byte[] digest(ByteSource channel, long lengthBytes) throws IOException, ImageException {
    MessageDigest sha256 = Layout.sha256();
    for (long at = 0; at < lengthBytes; at += Layout.CHUNK_BYTES) {
      sha256.update(read(channel, at, (int) Math.min(Layout.CHUNK_BYTES, lengthBytes - at)));
    }
    return sha256.digest();
  }

  static ByteBuffer read(ByteSource channel, long offset, int lengthBytes)
      throws IOException, ImageException {
    ByteBuffer bytes = ByteBuffer.allocate(lengthBytes).order(ByteOrder.LITTLE_ENDIAN);
    channel.read(offset, bytes);
    return bytes.flip();
  }

  static void readFully(FileChannel channel, long offset, ByteBuffer into) throws IOException {
    long at = offset;
    while (into.hasRemaining()) {
      int count = channel.read(into, at);
      if (count <= 0) {
        throw new IOException("the file became shorter while it was read");
      }
      at += count;
    }
  }

  /// Reads the metadata section, whose digest was checked. Allocates twice its length.
  @Override
  public Bytes metadata() throws ImageException {
    try {
      return Bytes.of(read(source, Layout.PREAMBLE_BYTES, (int) layout.metadataBytes()));
    } catch (IOException e) {
      throw Faults.of(e, "cannot read the metadata", file);
    }
  }

  Path file() {
    return file;
  }

  @Override
  public Optional<Bytes> signer() {
    return signature.map(SignedPages::signer);
  }

  @Override
  public boolean isGuarded() {
    return !isPlain() || signature.isPresent();
  }

  /// Whether a MiB is what was written.
  boolean isWhole(int chunk, int crc, ByteBuffer bytes) {
    return Layout.crc(bytes) == crc && (signature.isEmpty() || signature.get().fits(chunk, bytes));
  }

  /// Whether pages lie in the file as they are.
  boolean isPlain() {
    return source instanceof ByteSource.Plain;
  }

  @Override
  public void layOut(int threads, BitSet without) throws ImageException {
    if (!isGuarded()) {
      verifyPages(threads, without);
    } else if (pageBytes() > 0) {
      laidOut = Optional.of(LaidOut.of(pages(), pageBytes(), threads, without));
    }
  }

  @Override
  public Optional<Bytes> certificate() throws ImageException {
    Path folder = file.toAbsolutePath().getParent();
    return folder == null ? Optional.empty() : CertificateFile.read(folder, metadata());
  }

  @Override
  public Path pageFile() {
    return laidOut.map(LaidOut::path).orElse(file);
  }

  @Override
  public long pageOffset() {
    return laidOut.isPresent() ? 0 : layout.pageOffset();
  }

  @Override
  public long pageBytes() {
    return layout.pageBytes();
  }

  @Override
  public long fileBytes() {
    return layout.fileBytes();
  }

  @Override
  public void readPages(long sectionOffset, ByteBuffer into) throws ImageException {
    if (sectionOffset < 0 || into.remaining() > layout.pageBytes() - sectionOffset) {
      throw new IllegalArgumentException("bytes " + sectionOffset + " + " + into.remaining()
          + " are not in a section of " + layout.pageBytes());
    }
    try {
      source.read(layout.pageOffset() + sectionOffset, into);
    } catch (IOException e) {
      throw Faults.of(e, "cannot read pages", file);
    }
  }

  @Override
  public FolderSource pages() {
    return FolderSource.open(this, layout, table);
  }

  ImageException damagedChunk(int chunk) {
    long from = (long) chunk * Layout.CHUNK_BYTES;
    return damaged(file, "has damaged pages at bytes " + (layout.pageOffset() + from) + " to "
        + (layout.pageOffset() + Math.min(from + Layout.CHUNK_BYTES, pageBytes())));
  }

  @Override
  public void verifyPages(int threads, BitSet without) throws ImageException {
    PageCheck check = new PageCheck(this, table.duplicate().order(ByteOrder.LITTLE_ENDIAN), without);
    int damaged = check.firstDamaged(threads);
    if (damaged < layout.chunks()) {
      throw damagedChunk(damaged);
    }
  }

  @Override
  public void close() throws ImageException {
    try {
      laidOut.ifPresent(LaidOut::close);
      source.close();
    } catch (IOException e) {
      throw Faults.of(e, "cannot close the statefile", file);
    }
  }
}

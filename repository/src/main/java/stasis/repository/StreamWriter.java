package stasis.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.BitSet;
import java.util.Optional;
import java.util.function.Consumer;
import stasis.linux.abi.Bytes;

/// Writes a statefile into a pipe. What it is examined by before it ends is its metadata; pages cannot be read back.
final class StreamWriter implements ImageWriter {
  private static final Path STREAM = Path.of("the stream");

  private final WritableByteChannel channel;
  private final Optional<ImageStream.Acknowledgement> acknowledgement;
  private final Consumer<WriteStep> listener;
  private final Protection protection;
  private final MessageDigest sha256 = Layout.sha256();
  private Optional<FolderSink> sink = Optional.empty();
  private Optional<SealWriter> seal = Optional.empty();
  private Bytes metadata = Bytes.EMPTY;
  private boolean closed;

  StreamWriter(WritableByteChannel channel, Optional<ImageStream.Acknowledgement> acknowledgement,
      Protection protection, Consumer<WriteStep> listener) {
    this.channel = channel;
    this.protection = protection;
    this.acknowledgement = acknowledgement;
    this.listener = listener;
  }

  @Override
  public void writeMetadata(ImageContent content) throws ImageException {
    if (sink.isPresent() || closed) {
      throw new IllegalStateException("the metadata is written once");
    }
    metadata = content.metadata();
    Layout layout = new Layout(metadata.length(), content.pageBytes(), protection.signer().isPresent());
    if (!protection.keys().isEmpty()) {
      SealWriter closing = new SealWriter(protection.keys(), layout.fileBytes(), this::send);
      begin(closing);
      seal = Optional.of(closing);
    }
    ByteBuffer head = ByteBuffer.allocate((int) layout.pageOffset());
    head.put(layout.preamble()).put(metadata.buffer()).clear();
    sha256.update(head.duplicate());
    write(head);
    sink = Optional.of(new FolderSink((bytes, _) -> writeFully(bytes), Optional.empty(), STREAM, layout));
    listener.accept(WriteStep.METADATA_WRITTEN);
  }

  @Override
  public FolderSink pages() {
    return sink.orElseThrow(() -> new IllegalStateException("the metadata comes before the pages"));
  }

  @Override
  public <X extends Exception> long commit(Check<X> check) throws X, ImageException {
    FolderSink pages = pages();
    ByteBuffer table = pages.table();
    listener.accept(WriteStep.PAGES_WRITTEN);
    Layout layout = pages.layout();
    check.examine(new Sent(metadata, layout));
    listener.accept(WriteStep.CHECKED);
    write(table.duplicate());
    byte[] head = sha256.digest();
    write(layout.tail(head, Layout.crc(table)));
    if (protection.signer().isPresent()) {
      write(Protection.signature(protection.signer().get(), head, pages.digests()));
    }
    listener.accept(WriteStep.TRAILER_WRITTEN);
    if (acknowledgement.isPresent()) {
      acknowledged(acknowledgement.get());
    }
    return seal.map(SealWriter::fileBytes).orElse(layout.fileBytes());
  }

  private void acknowledged(ImageStream.Acknowledgement other) throws ImageException {
    try {
      if (!other.await(() -> listener.accept(WriteStep.SYNCED))) {
        throw new ImageException(ImageException.Reason.DEVICE, "the other side did not say that it has the image",
            "look there for what went wrong; the program runs on here");
      }
    } catch (IOException e) {
      throw new ImageException(ImageException.Reason.DEVICE, "nothing can be heard of the other side: "
          + e.getMessage(), "check --commit-fd; the program runs on here", e);
    }
  }

  private void write(ByteBuffer bytes) throws ImageException {
    try {
      writeFully(bytes);
    } catch (IOException e) {
      throw Faults.of(e, "cannot write the image", STREAM);
    }
  }

  private static void begin(SealWriter closing) throws ImageException {
    try {
      closing.begin();
    } catch (IOException e) {
      throw Faults.of(e, "cannot write the image", STREAM);
    }
  }

  private void writeFully(ByteBuffer bytes) throws IOException {
    if (seal.isPresent()) {
      seal.get().write(bytes);
    } else {
      send(bytes);
    }
  }

  private void send(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  @Override
  public String title() {
    return "the stream";
  }

  @Override
  public void close() {
    closed = true;
    sink.ifPresent(FolderSink::close);
  }

  /// What can be looked at of an image that is on its way.
  private record Sent(Bytes metadata, Layout layout) implements ImageReader {
    @Override
    public long pageBytes() {
      return layout.pageBytes();
    }

    @Override
    public long fileBytes() {
      return layout.fileBytes();
    }

    @Override
    public void readPages(long sectionOffset, ByteBuffer into) {
      throw gone();
    }

    @Override
    public PageSource pages() {
      throw gone();
    }

    @Override
    public void verifyPages(int threads, BitSet without) {
      throw gone();
    }

    @Override
    public Path pageFile() {
      throw gone();
    }

    @Override
    public long pageOffset() {
      throw gone();
    }

    private static UnsupportedOperationException gone() {
      return new UnsupportedOperationException("pages have gone down the stream");
    }

    @Override
    public void close() {}
  }
}

package stasis.engine;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.LossRow;
import stasis.image.ObjectId;
import stasis.image.Statefile;
import stasis.image.StoredObject;
import stasis.linux.abi.Bytes;
import stasis.repository.ImageContent;
import stasis.repository.ImageDestination;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;
import stasis.repository.ImageWriter;
import stasis.repository.PageSink;
import stasis.repository.WriteStep;
import stasis.resource.VmaState;

/// What is not to be in an image. It is wiped from all that is written, pages and metadata, on its way to the writer:
/// zeros stand in its place, and a restored program finds them there.
///
/// @param patterns wiped wherever they occur, each of [#MIN_PATTERN_BYTES] and more
/// @param variables environment variables: what follows `NAME=` up to a NUL is wiped as well
/// @param dontDump whether what the program marked with MADV_DONTDUMP (madvise(2)) is left out
public record Redaction(List<Bytes> patterns, List<String> variables, boolean dontDump) {
  /// What is shorter occurs by chance.
  public static final int MIN_PATTERN_BYTES = 4;
  public static final Redaction NONE = new Redaction(List.of(), List.of(), false);
  private static final String KIND = "redaction";

  public Redaction {
    patterns = List.copyOf(patterns);
    variables = List.copyOf(variables);
    if (patterns.stream().anyMatch(pattern -> pattern.length() < MIN_PATTERN_BYTES)) {
      throw new IllegalArgumentException("what is to be wiped has " + MIN_PATTERN_BYTES + " bytes at least");
    }
  }

  public boolean isEmpty() {
    return patterns.isEmpty() && variables.isEmpty() && !dontDump;
  }

  /// What the loss table says of it.
  public List<LossRow> told() {
    List<LossRow> rows = new ArrayList<>();
    variables.forEach(name -> rows.add(row("environment variable " + name)));
    if (patterns.size() > 0) {
      rows.add(row(patterns.size() + (patterns.size() == 1 ? " byte pattern" : " byte patterns")));
    }
    if (dontDump) {
      rows.add(row("memory marked MADV_DONTDUMP"));
    }
    return rows;
  }

  private static LossRow row(String what) {
    return new LossRow(what, KIND, LossRow.Exactness.APPROXIMATE,
        "redacted: zeros stand wherever it was in memory, queues and files of the image", Optional.empty());
  }

  /// A destination that gets all but this.
  public ImageDestination applied(ImageDestination to) {
    return isEmpty() ? to : new ImageDestination() {
      @Override
      public ImageWriter begin(Consumer<WriteStep> listener) throws ImageException {
        return new Writer(to, listener);
      }

      @Override
      public boolean takesAnother() {
        return to.takesAnother();
      }
    };
  }

  /// Wipes before it hands on.
  private final class Writer implements ImageWriter {
    private final ImageWriter inner;
    private Optional<RedactingSink> sink = Optional.empty();

    Writer(ImageDestination to, Consumer<WriteStep> listener) throws ImageException {
      inner = to.begin(listener);
    }

    @Override
    public void writeMetadata(ImageContent content) throws ImageException {
      try {
        Statefile whole = Statefile.decode(content.metadata(), content.pageBytes(), Limits.DEFAULT);
        List<LossRow> losses = new ArrayList<>(whole.losses());
        losses.addAll(told());
        byte[] metadata = new Statefile(whole.header(), whole.schemas(), whole.objects(), losses, whole.pageMaps())
            .encode().toArray();
        Marks marks = new Marks();
        new SecretScan(patterns, List.of()).scan(metadata, metadata.length, 0, marks);
        marks.wipe(metadata, 0, metadata.length);
        inner.writeMetadata(new ImageContent(Bytes.of(metadata), content.pageBytes(), content.stretches(),
            content.facts()));
        sink = Optional.of(new RedactingSink(inner.pages(), content.pageBytes(),
            new SecretScan(patterns, variables), dontDump ? places(whole) : new TreeMap<>()));
      } catch (DecodeException e) {
        throw new AssertionError("what was just encoded does not decode", e);
      }
    }

    @Override
    public PageSink pages() {
      return sink.orElseThrow(() -> new IllegalStateException("the metadata comes before the pages"));
    }

    @Override
    public <X extends Exception> long commit(Check<X> check) throws X, ImageException {
      return inner.commit((ImageReader written) -> check.examine(written));
    }

    @Override
    public boolean takesCertificate() {
      return inner.takesCertificate();
    }

    @Override
    public void certify(Bytes certificate) {
      inner.certify(certificate);
    }

    @Override
    public String title() {
      return inner.title();
    }

    @Override
    public void close() throws ImageException {
      sink.ifPresent(RedactingSink::close);
      inner.close();
    }
  }

  /// Where in the page section lies what no core file is to hold. By start, with its end.
  private static NavigableMap<Long, Long> places(Statefile statefile) throws DecodeException {
    NavigableMap<Long, Long> places = new TreeMap<>();
    ImageMemory memory = ImageMemory.withoutPages(statefile);
    for (StoredObject object : statefile.objects("core.mm")) {
      ObjectId mm = object.id();
      for (VmaState vma : memory.vmas(mm)) {
        if (List.of(vma.flags().strip().split(" ")).contains("dd")) {
          for (ImageMemory.Stretch stretch : memory.stretches(mm, vma)) {
            if (stretch.place() instanceof ImageMemory.Place.Stored(long sectionOffset)) {
              places.merge(sectionOffset, sectionOffset + stretch.lengthBytes(), Math::max);
            }
          }
        }
      }
    }
    return places;
  }

  /// `NAME` of an environment as it is written before its value.
  static byte[] prefix(String variable) {
    return (variable + "=").getBytes(StandardCharsets.UTF_8);
  }
}

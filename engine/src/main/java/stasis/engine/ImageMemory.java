package stasis.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.NavigableMap;
import java.util.TreeMap;
import stasis.image.DecodeException;
import stasis.image.Fields;
import stasis.image.Limits;
import stasis.image.ObjectId;
import stasis.image.PageMap;
import stasis.image.PageRun;
import stasis.image.Statefile;
import stasis.image.StoredObject;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;
import stasis.repository.PageSource;
import stasis.resource.CpuState;
import stasis.resource.Extent;
import stasis.resource.MmState;
import stasis.resource.TaskState;
import stasis.resource.VmaState;

/// The memory of the tasks of an image as they saw it, without bringing them back. Needs no permissions; kinds it does
/// not know it treats as memory whose contents are not in the image. For one thread.
public final class ImageMemory implements AutoCloseable {
  private static final int NO_MIB = -1;

  private final Statefile statefile;
  private final NavigableMap<ObjectId, TaskState> tasks = new TreeMap<>();
  private final Map<ObjectId, CpuState> cpus = new HashMap<>();
  private final NavigableMap<ObjectId, MmState> mms = new TreeMap<>();
  private final Map<ObjectId, RunSeeker> runs = new HashMap<>();
  private final Map<ObjectId, Fields> backings = new HashMap<>();
  private final Map<ObjectId, Optional<Inheritance>> inheritances = new HashMap<>();
  private final PageSource source;
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment buffer = arena.allocate(PageSource.CHUNK_BYTES, PageSource.ALIGNMENT_BYTES);
  private MemorySegment held = buffer.asSlice(0, 0);
  private int heldMib = NO_MIB;

  /// Where bytes of memory are.
  public sealed interface Place {
    /// In the page section.
    record Stored(long sectionOffset) implements Place {}

    record Zeros() implements Place {}

    /// In a file of the host that wrote the image; nothing of it is in there.
    record InFile(String path, long offset, long sizeBytes) implements Place {}

    /// Nowhere. @param what they belong to
    record Lost(String what) implements Place {}
  }

  /// Addresses whose bytes follow each other in one place.
  public record Stretch(long start, long lengthBytes, Place place) {
    public long end() {
      return start + lengthBytes;
    }
  }

  private ImageMemory(Statefile statefile, PageSource source) {
    this.statefile = statefile;
    this.source = source;
  }

  public static ImageMemory open(ImageReader reader, Statefile statefile) throws ImageException, DecodeException {
    return of(statefile, reader.pages());
  }

  /// To ask where things are; nothing can be read.
  static ImageMemory withoutPages(Statefile statefile) throws DecodeException {
    return of(statefile, new PageSource() {
      @Override
      public MemorySegment chunk(int index, MemorySegment into) {
        throw new IllegalStateException("there are no pages");
      }

      @Override
      public void close() {}
    });
  }

  private static ImageMemory of(Statefile statefile, PageSource pages) throws DecodeException {
    var memory = new ImageMemory(statefile, pages);
    for (StoredObject object : statefile.objects()) {
      switch (object.schemaName()) {
        case "core.task" -> memory.tasks.put(object.id(), CoreSchemas.TASK.decode(object, Limits.DEFAULT));
        case "core.mm" -> memory.mms.put(object.id(), CoreSchemas.MM.decode(object, Limits.DEFAULT));
        case "core.cpu" -> memory.cpus.put(object.owner().orElse(object.id()),
            CoreSchemas.CPU.decode(object, Limits.DEFAULT));
        default -> {
          if (object.schemaName().startsWith("mapping.")) {
            memory.backings.put(object.id(), Fields.of(statefile, object));
          }
        }
      }
    }
    for (PageMap map : statefile.pageMaps()) {
      memory.runs.put(map.body(), new RunSeeker(map.runs()));
    }
    return memory;
  }

  /// Closed with this.
  PageSource pages() {
    return source;
  }

  public Statefile statefile() {
    return statefile;
  }

  /// All tasks by id: the root first, leaders before their threads and parents before their children.
  public NavigableMap<ObjectId, TaskState> tasks() {
    return tasks;
  }

  /// Tasks with this leader, it first.
  public List<ObjectId> threads(ObjectId leader) {
    var threads = new ArrayList<ObjectId>(List.of(leader));
    tasks.forEach((id, task) -> {
      if (task.leader().equals(leader) && !id.equals(leader)) {
        threads.add(id);
      }
    });
    return threads;
  }

  public Optional<CpuState> cpu(ObjectId task) {
    return Optional.ofNullable(cpus.get(task));
  }

  /// In address order; none where the image has no such mm.
  public List<VmaState> vmas(ObjectId mm) {
    return Optional.ofNullable(mms.get(mm)).map(MmState::vmas).orElse(List.of());
  }

  /// What backs a vma, `mapping.anonymous`; with its fields.
  public Optional<StoredObject> backing(VmaState vma) {
    return statefile.object(vma.backing());
  }

  /// The file that is mapped there, as far as it has a path.
  public Optional<String> path(VmaState vma) {
    return Optional.ofNullable(backings.get(vma.backing())).filter(fields -> fields.field("path").isPresent())
        .map(fields -> fields.text("path"));
  }

  /// Where the bytes of a vma are, in address order, without gaps.
  public List<Stretch> stretches(ObjectId mm, VmaState vma) {
    var out = new ArrayList<Stretch>();
    fill(mm, vma, vma.start().bits(), vma.end().bits(), out);
    return out;
  }

  private void fill(ObjectId mm, VmaState vma, long from, long to, List<Stretch> out) {
    long[] at = {from};
    Optional<RunSeeker> seeker = Optional.ofNullable(runs.get(mm));
    var found = new ArrayList<PageRun>();
    seeker.ifPresent(runsOf -> runsOf.each(from, to, found::add));
    for (PageRun run : found) {
      long start = Math.max(run.start(), from);
      long end = Math.min(run.end(), to);
      gap(mm, vma, at[0], start, out);
      out.add(new Stretch(start, end - start, new Place.Stored(run.sectionOffset() + start - run.start())));
      at[0] = end;
    }
    gap(mm, vma, at[0], to, out);
  }

  /// What an mm has no pages of its own for: its base's, or what the mapping shows where nobody has written.
  private void gap(ObjectId mm, VmaState vma, long from, long to, List<Stretch> out) {
    if (from >= to) {
      return;
    }
    MmState state = GroupPlan.require(mms, mm);
    Optional<VmaState> parents = inheritance(mm).flatMap(known -> known.from(vma));
    if (state.base().isEmpty() || parents.isEmpty() || vma.shared()) {
      backed(vma, from, to, out);
      return;
    }
    long inheritedEnd = Math.clamp(parents.get().end().bits(), from, to);
    long at = from;
    for (Extent gone : state.dropped()) {
      long start = Math.clamp(gone.start().bits(), at, inheritedEnd);
      long end = Math.clamp(gone.start().bits() + gone.lengthBytes(), at, inheritedEnd);
      if (start < end) {
        inherited(state.base().get(), parents.get(), at, start, out);
        backed(vma, start, end, out);
        at = end;
      }
    }
    inherited(state.base().get(), parents.get(), at, inheritedEnd, out);
    backed(vma, inheritedEnd, to, out);
  }

  private void inherited(ObjectId base, VmaState vma, long from, long to, List<Stretch> out) {
    if (from < to) {
      fill(base, vma, from, to, out);
    }
  }

  private Optional<Inheritance> inheritance(ObjectId mm) {
    return inheritances.computeIfAbsent(mm, _ -> GroupPlan.require(mms, mm).base().filter(mms::containsKey)
        .map(base -> Inheritance.of(GroupPlan.require(mms, base), GroupPlan.require(mms, mm), this::aspect)));
  }

  private Object aspect(ObjectId id) {
    return statefile.object(id).<Object>map(object -> List.of(object.schemaName(), object.state())).orElse(id);
  }

  private void backed(VmaState vma, long from, long to, List<Stretch> out) {
    if (from >= to) {
      return;
    }
    String kind = backing(vma).map(StoredObject::schemaName).orElse("?");
    Optional<Fields> fields = Optional.ofNullable(backings.get(vma.backing()));
    Optional<ObjectId> body = fields.flatMap(f -> f.id("body"));
    long offset = vma.offset() + from - vma.start().bits();
    if (body.isPresent()) {
      ofBody(body.get(), from, offset, to - from, out);
    } else if (kind.equals("mapping.anonymous") || kind.equals("mapping.devzero")) {
      out.add(new Stretch(from, to - from, new Place.Zeros()));
    } else if (fields.isPresent() && fields.get().field("path").isPresent()) {
      out.add(new Stretch(from, to - from, new Place.InFile(fields.get().text("path"), offset,
          fields.get().number("sizeBytes"))));
    } else {
      out.add(new Stretch(from, to - from, new Place.Lost(kind)));
    }
  }

  private void ofBody(ObjectId body, long address, long offset, long lengthBytes, List<Stretch> out) {
    long at = offset;
    var found = new ArrayList<PageRun>();
    Optional.ofNullable(runs.get(body)).ifPresent(of -> of.each(offset, offset + lengthBytes, found::add));
    for (PageRun run : found) {
      long start = Math.max(run.start(), offset);
      long end = Math.min(run.end(), offset + lengthBytes);
      if (at < start) {
        out.add(new Stretch(address + at - offset, start - at, new Place.Zeros()));
      }
      out.add(new Stretch(address + start - offset, end - start,
          new Place.Stored(run.sectionOffset() + start - run.start())));
      at = end;
    }
    if (at < offset + lengthBytes) {
      out.add(new Stretch(address + at - offset, offset + lengthBytes - at, new Place.Zeros()));
    }
  }

  /// Fills `into` from a stretch.
  ///
  /// @return empty when it is done; else why these bytes cannot be had
  public Optional<String> read(Stretch stretch, long from, MemorySegment into) throws ImageException {
    return switch (stretch.place()) {
      case Place.Zeros() -> {
        into.fill((byte) 0);
        yield Optional.empty();
      }
      case Place.Stored(long sectionOffset) -> {
        section(sectionOffset + from - stretch.start(), into);
        yield Optional.empty();
      }
      case Place.InFile(String path, long offset, long size) ->
          file(path, offset + from - stretch.start(), size, into);
      case Place.Lost(String what) -> Optional.of("contents of " + what + " are not in the image");
    };
  }

  private void section(long offset, MemorySegment into) throws ImageException {
    for (long done = 0; done < into.byteSize();) {
      long at = offset + done;
      int mib = (int) (at / PageSource.CHUNK_BYTES);
      if (mib != heldMib) {
        heldMib = NO_MIB;
        held = source.chunk(mib, buffer);
        heldMib = mib;
      }
      long inMib = at % PageSource.CHUNK_BYTES;
      long part = Math.min(into.byteSize() - done, held.byteSize() - inMib);
      into.asSlice(done, part).copyFrom(held.asSlice(inMib, part));
      done += part;
    }
  }

  /// Of this host, provided that it has the length it had.
  private static Optional<String> file(String path, long offset, long sizeBytes, MemorySegment into) {
    Path file = Path.of(path);
    try {
      if (!Files.isRegularFile(file) || Files.size(file) != sizeBytes) {
        return Optional.of("these are contents of " + path + ", which is not the same here");
      }
      into.fill((byte) 0);
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
        ByteBuffer bytes = into.asByteBuffer();
        for (long at = offset; bytes.hasRemaining();) {
          int count = channel.read(bytes, at);
          if (count <= 0) {
            return Optional.empty(); // past its end a mapping shows zeros
          }
          at += count;
        }
      }
      return Optional.empty();
    } catch (IOException e) {
      return Optional.of("these are contents of " + path + ", which cannot be read here: " + e.getMessage());
    }
  }

  /// Bytes of memory, from wherever they are.
  ///
  /// @return the bytes up to the first that cannot be had
  public Read read(ObjectId mm, long address, int lengthBytes) throws ImageException {
    byte[] bytes = new byte[lengthBytes];
    int done = 0;
    while (done < lengthBytes) {
      long at = address + done;
      Optional<VmaState> vma = vmas(mm).stream().filter(v -> Long.compareUnsigned(v.start().bits(), at) <= 0
          && Long.compareUnsigned(at, v.end().bits()) < 0).findFirst();
      if (vma.isEmpty()) {
        return new Read(Bytes.of(ByteBuffer.wrap(bytes, 0, done)), Optional.of("nothing is mapped at "
            + new RemoteAddress(at)));
      }
      Stretch stretch = stretches(mm, vma.get()).stream().filter(s -> s.start() <= at && at < s.end()).findFirst()
          .orElseThrow(() -> new AssertionError("a vma with a gap"));
      int part = (int) Math.min(lengthBytes - done, stretch.end() - at);
      Optional<String> problem = read(stretch, at, MemorySegment.ofArray(bytes).asSlice(done, part));
      if (problem.isPresent()) {
        return new Read(Bytes.of(ByteBuffer.wrap(bytes, 0, done)), problem);
      }
      done += part;
    }
    return new Read(Bytes.of(bytes), Optional.empty());
  }

  /// @param problem why there are not more
  public record Read(Bytes bytes, Optional<String> problem) {}

  @Override
  public void close() {
    source.close();
    arena.close();
  }
}

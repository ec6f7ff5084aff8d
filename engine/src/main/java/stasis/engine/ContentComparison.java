package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import stasis.engine.CaptureComparison.Difference;
import stasis.engine.ImageMemory.Place;
import stasis.engine.ImageMemory.Stretch;
import stasis.image.ObjectId;
import stasis.image.PageMap;
import stasis.image.PageRun;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;
import stasis.resource.CpuState;
import stasis.resource.VmaState;
import stasis.tracee.RemoteMemory;

/// Whether memory and files of a copy hold what is in the image: byte by byte wherever one of the two has contents of
/// its own. What only one of them stores must be zeros, or what the file shows that is mapped there.
final class ContentComparison implements AutoCloseable {
  private static final long PAGE = 4096;
  private static final int WINDOW_BYTES = 1 << 20;
  private static final int RSEQ_BYTES = 32;

  private final ImageMemory image;
  private final ImageReader reader;
  private final Collected.Complete copy;
  private final Map<ObjectId, ObjectId> pairs;
  private final Subjects subjects;
  private final Map<ObjectId, List<Long>> kernels;
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment left = arena.allocate(WINDOW_BYTES, PAGE);
  private final MemorySegment right = arena.allocate(WINDOW_BYTES, PAGE);
  private final MessageDigest sha256 = sha256();
  private final List<Difference> differences = new ArrayList<>();
  private long bytes;

  /// Part of an address space or a file.
  private record Span(long start, long end) {}

  private interface Source {
    void read(long at, MemorySegment into) throws SyscallException, ImageException;
  }

  /// @param pairs objects of the image with those of the copy
  ContentComparison(ImageMemory image, ImageReader reader, Collected.Complete copy, Map<ObjectId, ObjectId> pairs,
      Subjects subjects) {
    this.image = image;
    this.reader = reader;
    this.copy = copy;
    this.pairs = pairs;
    this.subjects = subjects;
    this.kernels = kernels(image);
  }

  /// Where the kernel itself writes into memory, whenever a thread has been to user mode: of `struct rseq` all but
  /// `rseq_cs`, which is compared with the registers.
  private static Map<ObjectId, List<Long>> kernels(ImageMemory image) {
    Map<ObjectId, List<Long>> areas = new HashMap<>();
    image.tasks().forEach((id, task) -> image.cpu(id).flatMap(CpuState::rseqArea).ifPresent(
        area -> areas.computeIfAbsent(task.mm(), _ -> new ArrayList<>()).add(area.bits())));
    return areas;
  }

  /// @param stored which pages of the copy are its own
  /// @return what differs: a row for each memory or file
  List<Difference> differences(PageStore stored) throws SyscallException, ImageException {
    Map<ObjectId, List<PageRun>> own = new HashMap<>();
    for (PageMap map : stored.maps()) {
      own.put(map.body(), map.runs().list());
    }
    Map<ObjectId, Tid> tasks = new HashMap<>();
    copy.pages().forEach(pages -> tasks.put(pages.mm(), pages.task()));
    Map<ObjectId, BodySource> sources = new HashMap<>();
    copy.bodies().forEach(source -> sources.put(source.body(), source));
    for (Map.Entry<ObjectId, ObjectId> pair : new TreeMap<>(pairs).entrySet()) {
      if (tasks.containsKey(pair.getValue())) {
        memory(pair.getKey(), GroupPlan.require(tasks, pair.getValue()),
            own.getOrDefault(pair.getValue(), List.of()));
      } else if (sources.containsKey(pair.getValue())) {
        body(pair.getKey(), GroupPlan.require(sources, pair.getValue()));
      }
    }
    return List.copyOf(differences);
  }

  /// How much was compared.
  long bytes() {
    return bytes;
  }

  /// Of all that was compared, as it is in the image; to be asked once, at the end.
  Bytes sha256Bytes() {
    return Bytes.of(sha256.digest());
  }

  private void memory(ObjectId mm, Tid task, List<PageRun> own) throws SyscallException, ImageException {
    RemoteMemory memory = new RemoteMemory(task);
    Finding finding = new Finding(subjects.of(mm) + " memory");
    for (VmaState vma : image.vmas(mm)) {
      if (vma.shared()) {
        continue; // its body is compared
      }
      List<Stretch> stretches = image.stretches(mm, vma);
      var spans = new ArrayList<Span>();
      stretches.stream().filter(stretch -> stretch.place() instanceof Place.Stored)
          .forEach(stretch -> spans.add(new Span(stretch.start(), stretch.end())));
      own.forEach(run -> spans.add(new Span(Math.max(run.start(), vma.start().bits()),
          Math.min(run.end(), vma.end().bits()))));
      List<Long> areas = kernels.getOrDefault(mm, List.of());
      compare(finding, spans, (at, into) -> wiped(at, into, areas, () -> fill(stretches, at, into)),
          (at, into) -> wiped(at, into, areas, () -> memory.read(new RemoteAddress(at), into)));
    }
    finding.end();
  }

  private interface Reading {
    void run() throws SyscallException, ImageException;
  }

  private static void wiped(long at, MemorySegment into, List<Long> areas, Reading reading)
      throws SyscallException, ImageException {
    reading.run();
    for (long area : areas) {
      long start = Math.max(area, at);
      long end = Math.min(area + RSEQ_BYTES, at + into.byteSize());
      if (start < end) {
        into.asSlice(start - at, end - start).fill((byte) 0);
      }
    }
  }

  /// @throws ImageException also for bytes that cannot be had
  private void fill(List<Stretch> stretches, long from, MemorySegment into) throws ImageException {
    for (Stretch stretch : stretches) {
      long start = Math.max(stretch.start(), from);
      long end = Math.min(stretch.end(), from + into.byteSize());
      if (start < end) {
        Optional<String> problem = image.read(stretch, start, into.asSlice(start - from, end - start));
        if (problem.isPresent()) {
          throw new ImageException(ImageException.Reason.DAMAGED, problem.get(), "");
        }
      }
    }
  }

  private void body(ObjectId body, BodySource source) throws SyscallException, ImageException {
    List<PageRun> runs = image.statefile().pageMap(body).map(map -> map.runs().list()).orElse(List.of());
    List<BodySource.Data> data = source.data();
    var spans = new ArrayList<Span>();
    runs.forEach(run -> spans.add(new Span(run.start(), run.end())));
    data.forEach(stretch -> spans.add(new Span(stretch.start(), stretch.start() + stretch.lengthBytes())));
    Finding finding = new Finding(subjects.of(body) + " contents");
    compare(finding, spans, (at, into) -> stored(runs, at, into), (at, into) -> {
      into.fill((byte) 0);
      for (BodySource.Data stretch : data) {
        long start = Math.max(stretch.start(), at);
        long end = Math.min(stretch.start() + stretch.lengthBytes(), at + into.byteSize());
        if (start < end) {
          source.read(start, into.asSlice(start - at, end - start));
        }
      }
    });
    finding.end();
  }

  private void stored(List<PageRun> runs, long at, MemorySegment into) throws ImageException {
    into.fill((byte) 0);
    for (PageRun run : runs) {
      long start = Math.max(run.start(), at);
      long end = Math.min(run.end(), at + into.byteSize());
      if (start < end) {
        reader.readPages(run.sectionOffset() + start - run.start(), into.asSlice(start - at, end - start)
            .asByteBuffer());
      }
    }
  }

  private void compare(Finding finding, List<Span> spans, Source stored, Source found)
      throws SyscallException, ImageException {
    for (Span span : merged(spans)) {
      for (long at = span.start(); at < span.end(); at += WINDOW_BYTES) {
        long length = Math.min(WINDOW_BYTES, span.end() - at);
        stored.read(at, left.asSlice(0, length));
        found.read(at, right.asSlice(0, length));
        sha256.update(left.asSlice(0, length).asByteBuffer());
        bytes += length;
        finding.look(at, length);
      }
    }
  }

  private static List<Span> merged(List<Span> spans) {
    var merged = new ArrayList<Span>();
    for (Span span : spans.stream().filter(one -> one.start() < one.end())
        .sorted(Comparator.comparingLong(Span::start)).toList()) {
      if (!merged.isEmpty() && merged.getLast().end() >= span.start()) {
        Span last = merged.removeLast();
        merged.add(new Span(last.start(), Math.max(last.end(), span.end())));
      } else {
        merged.add(span);
      }
    }
    return merged;
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }

  @Override
  public void close() {
    arena.close();
  }

  /// Pages of one memory or file that differ.
  private final class Finding {
    private final String subject;
    private long pages;
    private long first;

    Finding(String subject) {
      this.subject = subject;
    }

    void look(long start, long lengthBytes) {
      for (long at = 0; at < lengthBytes; at += PAGE) {
        long end = Math.min(at + PAGE, lengthBytes);
        if (MemorySegment.mismatch(left, at, end, right, at, end) >= 0) {
          first = pages == 0 ? start + at : first;
          pages++;
        }
      }
    }

    void end() {
      if (pages > 0) {
        differences.add(new Difference(subject, pages + " pages differ, the first at 0x" + Long.toHexString(first)));
      }
    }
  }
}

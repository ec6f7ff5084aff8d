package stasis.cli.start;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import stasis.cli.start.StartCalls.Operand;
import stasis.image.DecodeException;
import stasis.image.Fields;
import stasis.image.PageRun;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;

/// The memory of the resting engine as mappings: of nothing, of the files it mapped, and of pages of the start-up
/// image.
final class StartMemory {
  /// A stretch of pages that goes into the start-up image. @param fileOffset where
  record Piece(PageRun run, long fileOffset) {}

  private static final int AT_FDCWD = -100;
  private static final int O_CLOEXEC = 02000000;
  static final int STAT_BYTES = 144;
  static final int STAT_SIZE = 48;
  static final int STAT_TIMES = 88;
  private static final int MAP_SHARED = 1;
  private static final int MAP_PRIVATE = 2;
  private static final int MAP_ANONYMOUS = 0x20;
  private static final int MAP_NORESERVE = 0x4000;
  private static final int MAP_FIXED_NOREPLACE = 0x100000;
  private static final int MREMAP_MAYMOVE_FIXED = 3;
  private static final int MADV_HUGEPAGE = 14;
  private static final int MADV_NOHUGEPAGE = 15;
  private static final int PROT_NONE = 0;
  private static final int PROT_READ_WRITE = 3;
  /// The JVM's heap has such: what a command puts there it would get page by page.
  private static final long HUGE_FROM_BYTES = 8 << 20;
  /// Runs that are no further apart become one mapping, zeros between.
  private static final long GAP_BYTES = 64 << 10;
  private static final Set<String> FLAGS = Set.of("rd", "wr", "ex", "sh", "mr", "mw", "me", "ms", "gd", "ac", "nr",
      "sd", "pf", "io", "de", "dd", "nh", "lo");
  private static final Set<String> HARMLESS = Set.of("mapping.apart", "mapping.name");

  private record Vma(long start, long end, int prot, boolean shared, boolean noReserve, boolean noHuge, long offset,
      String kind, Fields backing) {}

  private final StartData data;
  private final long never;
  private final long again;
  private final List<Vma> vmas = new ArrayList<>();
  private final List<PageRun> runs;
  private final List<Piece> pieces = new ArrayList<>();
  private long fileEnd;

  /// @param never where lies what the ordinary command is told @param again and where, if another image would do
  StartMemory(StartImage image, StartData data, long never, long again) throws DecodeException, UnfitException {
    this.data = data;
    this.never = data.put(Bytes.ofU64(never), 8);
    this.again = data.put(Bytes.ofU64(again), 8);
    this.fileEnd = StartElf.PAGE_BYTES + StartData.BYTES;
    runs = image.runs();
    Fields mm = image.one("core.mm");
    for (Fields attachment : mm.records("attachments")) {
      String kind = image.object(attachment.id("aspect")).schema();
      if (!HARMLESS.contains(kind)) {
        throw new UnfitException("a mapping has " + kind);
      }
    }
    for (Fields vma : mm.records("vmas")) {
      Set<String> flags = Set.of(vma.text("flags").split(" "));
      for (String flag : flags) {
        if (!FLAGS.contains(flag)) {
          throw new UnfitException("a mapping has flag " + flag);
        }
      }
      StartImage.Kinded backing = image.object(vma.id("backing"));
      long start = vma.number("start");
      vmas.add(new Vma(start, start + vma.number("lengthBytes"), (int) vma.number("prot"),
          vma.text("shared").equals("true"), flags.contains("nr"), flags.contains("nh"),
          vma.number("offset"), backing.schema(), backing.fields()));
    }
  }

  /// Where the last page of the start-up image ends.
  long fileEnd() {
    return fileEnd;
  }

  List<Piece> pieces() {
    return List.copyOf(pieces);
  }

  /// What of the vdso is at the same distance from its code in every process of one boot.
  void moveVdso(StartCalls calls) throws UnfitException {
    List<Vma> parts = vmas.stream().filter(vma -> vma.kind().equals("mapping.vdso")).toList();
    long code = parts.stream().filter(vma -> vma.backing().text("part").equals("CODE")).findFirst()
        .orElseThrow(() -> new UnfitException("it has no vdso")).start();
    for (Vma part : parts) {
      long length = part.end() - part.start();
      map(calls, part.start(), length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, value(-1), 0);
      Operand source = calls.sum(new Operand.At(StartCode.DATA + StartCode.VDSO), value(part.start() - code));
      calls.exactly(part.start(), Nr.MREMAP, source, value(length), value(length), value(MREMAP_MAYMOVE_FIXED),
          value(part.start()));
    }
  }

  /// @param self the start-up image, open
  void map(StartCalls calls, Operand self) throws IOException, UnfitException {
    Map<String, List<Vma>> ofFiles = new LinkedHashMap<>();
    for (Vma vma : vmas) {
      switch (vma.kind()) {
        case "mapping.anonymous" -> mapWithPages(calls, vma, self, value(-1));
        case "mapping.privatefile", "mapping.sharedfile" ->
            ofFiles.computeIfAbsent(vma.backing().text("path"), _ -> new ArrayList<>()).add(vma);
        case "mapping.vdso" -> { }
        default -> throw new UnfitException("it has a " + vma.kind());
      }
    }
    for (Map.Entry<String, List<Vma>> file : ofFiles.entrySet()) {
      Operand fd = open(calls, file.getKey(), 0);
      for (Vma vma : file.getValue()) {
        mapWithPages(calls, vma, self, fd);
      }
      calls.call(Nr.CLOSE, fd);
    }
  }

  /// Opens a file if it is still the one that it was.
  Operand open(StartCalls calls, String path, int flags) throws IOException, UnfitException {
    Operand told = value(StartCode.DATA + StartCode.EXTRA);
    calls.move(told, value(again), Long.BYTES);
    Operand fd = calls.call(Nr.OPENAT, value(AT_FDCWD), value(data.text(path)), value(flags | O_CLOEXEC), value(0));
    long found = data.room(STAT_BYTES);
    calls.call(Nr.FSTAT, fd, value(found));
    Map<String, Object> is = Files.readAttributes(Path.of(path), "unix:dev,ino,size,lastModifiedTime,ctime",
        LinkOption.NOFOLLOW_LINKS);
    calls.same(found, data.put(Bytes.ofU64(number(is, "dev"), number(is, "ino")), 8), 2 * Long.BYTES);
    calls.same(found + STAT_SIZE, data.put(Bytes.ofU64(number(is, "size")), 8), Long.BYTES);
    ByteBuffer times = ByteBuffer.allocate(4 * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (String name : List.of("lastModifiedTime", "ctime")) {
      if (!(is.get(name) instanceof FileTime time)) {
        throw new UnfitException(path + " has no " + name);
      }
      long ns = time.to(TimeUnit.NANOSECONDS);
      times.putLong(Math.floorDiv(ns, 1_000_000_000L)).putLong(Math.floorMod(ns, 1_000_000_000L));
    }
    calls.same(found + STAT_TIMES, data.put(Bytes.of(times.clear()), 8), times.capacity());
    calls.move(told, value(never), Long.BYTES);
    return fd;
  }

  private static long number(Map<String, Object> attributes, String name) {
    return attributes.get(name) instanceof Number number ? number.longValue() : 0;
  }

  private void mapWithPages(StartCalls calls, Vma vma, Operand self, Operand below) {
    boolean anonymous = below instanceof Operand.Value;
    int flags = (vma.shared() ? MAP_SHARED : MAP_PRIVATE) | (anonymous ? MAP_ANONYMOUS : 0)
        | (vma.noReserve() ? MAP_NORESERVE : 0);
    long at = vma.start();
    for (List<PageRun> near : near(vma, anonymous ? GAP_BYTES : 0)) {
      long start = near.getFirst().start();
      long end = near.getLast().end();
      if (at < start) {
        mapWithout(calls, vma, at, start, flags, below);
      }
      map(calls, start, end - start, vma.prot(), MAP_PRIVATE, self, fileEnd);
      near.forEach(run -> pieces.add(new Piece(run, fileEnd + run.start() - start)));
      fileEnd += end - start;
      at = end;
    }
    if (at < vma.end()) {
      mapWithout(calls, vma, at, vma.end(), flags, below);
    }
    if (vma.noHuge()) {
      calls.call(Nr.MADVISE, value(vma.start()), value(vma.end() - vma.start()), value(MADV_NOHUGEPAGE));
    }
  }

  /// A stretch of a vma of which the start-up image has no pages.
  private static void mapWithout(StartCalls calls, Vma vma, long from, long to, int flags, Operand below) {
    boolean anonymous = below instanceof Operand.Value;
    map(calls, from, to - from, vma.prot(), flags, below, anonymous ? 0 : vma.offset() + from - vma.start());
    if (anonymous && vma.prot() == PROT_READ_WRITE && to - from >= HUGE_FROM_BYTES) {
      // A kernel may have none.
      calls.attempt(Nr.MADVISE, value(from), value(to - from), value(MADV_HUGEPAGE));
    }
  }

  /// The runs of pages in a vma, those together that become one mapping.
  private List<List<PageRun>> near(Vma vma, long gapBytes) {
    List<List<PageRun>> all = new ArrayList<>();
    for (PageRun whole : runs) {
      long start = Math.max(whole.start(), vma.start());
      long end = Math.min(whole.end(), vma.end());
      if (start >= end) {
        continue;
      }
      PageRun run = new PageRun(start, end - start, whole.sectionOffset() + start - whole.start());
      if (all.isEmpty() || start - all.getLast().getLast().end() > gapBytes) {
        all.add(new ArrayList<>());
      }
      all.getLast().add(run);
    }
    return all;
  }

  private static void map(StartCalls calls, long start, long lengthBytes, int prot, int flags, Operand fd,
      long offset) {
    calls.exactly(start, Nr.MMAP, value(start), value(lengthBytes), value(prot), value(flags | MAP_FIXED_NOREPLACE), fd,
        value(offset));
  }

  private static Operand value(long bits) {
    return StartCalls.value(bits);
  }
}

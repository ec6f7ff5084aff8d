package stasis.engine;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Arg;
import stasis.resource.Obstacle;
import stasis.resource.Program;
import stasis.resource.Step;

/// A path of the host that a restore opens, as the image has it. The kernel told it without symbolic links: one that
/// leads through a link now leads elsewhere, and a link is made by whoever owns the folder. So such a path is refused
/// before anything is made, and is opened by openat2(2) with RESOLVE_NO_SYMLINKS should a link come in between.
///
/// @param text of the path @param flags of open(2) @param mode for what it may make
record RecordedPath(Bytes text, long flags, long mode) {
  private static final int AT_FDCWD = -100;
  private static final long O_CREAT = 0100;
  private static final long O_TMPFILE = 020000000;
  private static final long O_PATH = 010000000;
  private static final long O_NOFOLLOW = 0400000;
  /// All that openat2(2) takes beside O_PATH; open(2) ignores the rest.
  private static final long WITH_O_PATH = O_PATH | O_NOFOLLOW | 0200000 | 02000000;
  private static final long RESOLVE_NO_SYMLINKS = 4;
  /// Links of the kernel's own.
  private static final String KERNELS = "/proc/";
  /// Chosen by us; in containers it is often a link.
  private static final String MULTIPLEXER = "/dev/ptmx";

  /// Of a call that opens one.
  static Optional<RecordedPath> of(Step.Call call) {
    List<Arg> args = call.args();
    if (call.nr() == Nr.OPENAT && args.getFirst().equals(Arg.imm(AT_FDCWD))
        && args.get(1) instanceof Arg.Data(Bytes text) && args.get(2) instanceof Arg.Imm(long flags)) {
      long mode = args.size() > 3 && args.get(3) instanceof Arg.Imm(long value) ? value : 0;
      var path = new RecordedPath(text, (flags & O_PATH) == 0 ? flags : flags & WITH_O_PATH,
          (flags & (O_CREAT | O_TMPFILE)) == 0 ? 0 : mode);
      return Optional.of(path).filter(RecordedPath::isRecorded);
    }
    return Optional.empty();
  }

  /// Of what is made, deleted or changed by name: what stands there is not gone through itself, but when it is
  /// entered.
  private static RecordedPath of(NamedCall named) {
    return new RecordedPath(PathBytes.of(named.path()).cString(),
        named.call().nr() == Nr.CHDIR ? O_PATH : O_PATH | O_NOFOLLOW, 0);
  }

  private boolean isRecorded() {
    String path = path();
    // Where a file without a name is made is our choice.
    return path.startsWith("/") && !path.startsWith(KERNELS) && !path.equals(MULTIPLEXER)
        && (flags & O_TMPFILE) != O_TMPFILE;
  }

  private String path() {
    String whole = new String(text.toArray(), StandardCharsets.ISO_8859_1);
    return whole.substring(0, whole.length() - 1);
  }

  /// `struct open_how`.
  Bytes how() {
    return Bytes.ofU64(flags, mode, RESOLVE_NO_SYMLINKS);
  }

  /// All of a program that lead through links on this host.
  static List<Obstacle> obstacles(Program program) {
    return program.steps().stream().flatMap(step -> step instanceof Step.Call call
        ? of(call).or(() -> NamedCall.of(call).map(RecordedPath::of)).stream() : Stream.empty())
        .distinct().flatMap(path -> path.link().stream().map(link -> path.obstacle(link))).distinct().toList();
  }

  private Obstacle obstacle(String link) {
    return new Obstacle.Changed("file " + path(), "no symbolic link on its way", link + " is one here",
        "put back what stood there, or mount it there (mount --bind)");
  }

  /// The first part of it that is a link.
  private Optional<String> link() {
    String path = path();
    for (String part : parts(path)) {
      Optional<FileStat> found = HostFiles.stat(PathBytes.of(part));
      boolean isLink = found.filter(stat -> stat.type() == FileStat.S_IFLNK).isPresent();
      if (isLink && !(part.equals(path) && (flags & O_PATH) != 0 && (flags & O_NOFOLLOW) != 0)) {
        return Optional.of(part);
      }
    }
    return Optional.empty();
  }

  private static List<String> parts(String path) {
    var parts = new ArrayList<String>();
    for (int slash = path.indexOf('/', 1); slash > 0; slash = path.indexOf('/', slash + 1)) {
      parts.add(path.substring(0, slash));
    }
    parts.add(path);
    return parts;
  }
}

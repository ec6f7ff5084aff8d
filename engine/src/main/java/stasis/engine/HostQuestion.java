package stasis.engine;

import java.math.BigInteger;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.PathBytes;
import stasis.procfs.Device;
import stasis.procfs.FileStat;
import stasis.procfs.ShmSegment;
import stasis.resource.Host;
import stasis.tracee.Deadline;
import stasis.tracee.stub.PidHolder;

/// What a plan asks of a host, as text, so that another host can answer it: `WORD` or `WORD ARGUMENTS`. Text has one char
/// per byte. docs/designs/needs.md lists them.
final class HostQuestion {
  static final String FILE = "file";
  static final String BOUND = "bound";
  static final String ADDRESS = "address";
  static final String SHM = "shm";
  static final String IPC = "ipc";
  static final String QUEUE = "queue";
  static final String CHECKSUM = "checksum";
  static final String VDSO = "vdso";
  static final String XFEATURES = "xfeatures";
  static final String CAPABILITIES = "capabilities";
  static final String OPEN_FILES = "open-files";
  static final String SETS_PROGRAM = "sets-program";
  static final String INHERITED = "inherited";
  static final String PID = "pid";
  /// The answer for what is not there.
  static final String NOTHING = "";

  private static final int HEXADECIMAL = 16;
  private static final int OCTAL = 8;
  private static final int FILE_WORDS = 7;
  private static final int SEGMENT_WORDS = 7;

  private HostQuestion() {}

  /// Of this host.
  ///
  /// @throws IllegalArgumentException for what is no question
  static String answer(Host host, String question) {
    int space = question.indexOf(' ');
    String word = space < 0 ? question : question.substring(0, space);
    String of = space < 0 ? "" : question.substring(space + 1);
    return switch (word) {
      case FILE -> host.file(PathBytes.of(of)).map(HostQuestion::told).orElse(NOTHING);
      case BOUND -> Boolean.toString(host.isBound(PathBytes.of(of)));
      case ADDRESS -> Boolean.toString(host.hasAddress(Bytes.hex(of)));
      case SHM -> String.join("\n", host.shmSegments().stream().map(HostQuestion::told).toList());
      case IPC -> host.systemVIpc(of);
      case QUEUE -> Boolean.toString(host.hasMessageQueue(of));
      case CHECKSUM -> checksum(host, of.split(" ", 3));
      case VDSO -> host.vdsoDigest().toHex();
      case XFEATURES -> Long.toHexString(host.xfeatures());
      case CAPABILITIES -> String.join(" ", new TreeSet<>(host.capabilities()));
      case SETS_PROGRAM -> Boolean.toString(host.setsProgram());
      case OPEN_FILES -> Long.toUnsignedString(host.maxOpenFiles());
      // Told apart from a file with nothing in it.
      case INHERITED -> host.inherited(of).map(text -> "=" + text).orElse(NOTHING);
      case PID -> PidHolder.awaitAll(List.of(Integer.parseInt(of)), Deadline.after(java.time.Duration.ZERO)).stream()
          .map(PidHolder::describe).findFirst().orElse(NOTHING);
      default -> throw new IllegalArgumentException("'" + question + "' is no question to a host");
    };
  }

  private static String checksum(Host host, String[] words) {
    if (words.length < 3) {
      throw new IllegalArgumentException("'checksum " + String.join(" ", words) + "' lacks an offset, a length or a path");
    }
    return host.checksum(PathBytes.of(words[2]), Long.parseLong(words[0]), Long.parseLong(words[1]))
        .map(Long::toHexString).orElse(NOTHING);
  }

  private static String told(FileStat file) {
    return "%o %d %d %d %s %s %s".formatted(file.mode(), file.sizeBytes(), file.inode(), file.links(),
        file.device(), file.rdev(), file.modified());
  }

  private static String told(ShmSegment segment) {
    return "%d %d %o %d %d %d %d".formatted(segment.key(), segment.id(), segment.mode(), segment.sizeBytes(),
        segment.attaches(), segment.creatorUid(), segment.creatorGid());
  }

  static Optional<FileStat> file(String answer) {
    if (answer.isEmpty()) {
      return Optional.empty();
    }
    String[] words = words(answer, FILE_WORDS);
    return Optional.of(new FileStat(device(words[4]), Long.parseLong(words[2]), Integer.parseInt(words[0], OCTAL),
        Integer.parseInt(words[3]), device(words[5]), Long.parseLong(words[1]), Instant.parse(words[6])));
  }

  private static String[] words(String answer, int count) {
    String[] words = answer.split(" ");
    if (words.length != count) {
      throw new IllegalArgumentException("'" + answer + "' is not " + count + " words");
    }
    return words;
  }

  private static Device device(String word) {
    int colon = word.indexOf(':');
    return new Device(Integer.parseInt(word.substring(0, colon)), Integer.parseInt(word.substring(colon + 1)));
  }

  static List<ShmSegment> segments(String answer) {
    return answer.lines().map(line -> words(line, SEGMENT_WORDS)).map(w -> new ShmSegment(Integer.parseInt(w[0]),
        Integer.parseInt(w[1]), Integer.parseInt(w[2], OCTAL), Long.parseLong(w[3]), Long.parseLong(w[4]),
        Integer.parseInt(w[5]), Integer.parseInt(w[6]))).toList();
  }

  static Optional<Long> hexadecimal(String answer) {
    return answer.isEmpty() ? Optional.empty() : Optional.of(new BigInteger(answer, HEXADECIMAL).longValue());
  }

  static Set<String> names(String answer) {
    return answer.isEmpty() ? Set.of() : Set.copyOf(Arrays.asList(answer.split(" ")));
  }
}

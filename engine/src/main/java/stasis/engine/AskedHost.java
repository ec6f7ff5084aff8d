package stasis.engine;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.procfs.ShmSegment;
import stasis.resource.Host;

/// A host that is known by its answers. Keeps what was asked, and what of it nobody answered: then it says that it has
/// nothing of the kind.
final class AskedHost implements Host {
  private final Function<String, Optional<String>> answers;
  private final SortedSet<String> asked = new TreeSet<>();
  private final SortedSet<String> unanswered = new TreeSet<>();

  /// @param answers by question, as of [HostQuestion]
  AskedHost(Function<String, Optional<String>> answers) {
    this.answers = answers;
  }

  SortedSet<String> asked() {
    return asked;
  }

  SortedSet<String> unanswered() {
    return unanswered;
  }

  String ask(String question) {
    asked.add(question);
    Optional<String> answer = answers.apply(question);
    if (answer.isEmpty()) {
      unanswered.add(question);
    }
    return answer.orElse(HostQuestion.NOTHING);
  }

  @Override
  public Optional<FileStat> file(PathBytes path) {
    return HostQuestion.file(ask(HostQuestion.FILE + " " + path.latin1()));
  }

  @Override
  public boolean isBound(PathBytes socketFile) {
    return Boolean.parseBoolean(ask(HostQuestion.BOUND + " " + socketFile.latin1()));
  }

  @Override
  public boolean hasAddress(Bytes socketAddress) {
    return Boolean.parseBoolean(ask(HostQuestion.ADDRESS + " " + socketAddress.toHex()));
  }

  @Override
  public List<ShmSegment> shmSegments() {
    return HostQuestion.segments(ask(HostQuestion.SHM));
  }

  @Override
  public String systemVIpc(String sort) {
    return ask(HostQuestion.IPC + " " + sort);
  }

  @Override
  public boolean hasMessageQueue(String name) {
    return Boolean.parseBoolean(ask(HostQuestion.QUEUE + " " + name));
  }

  @Override
  public Optional<Long> checksum(PathBytes path, long offset, long lengthBytes) {
    return HostQuestion.hexadecimal(ask(HostQuestion.CHECKSUM + " " + offset + " " + lengthBytes + " "
        + path.latin1()));
  }

  @Override
  public Bytes vdsoDigest() {
    return Bytes.hex(ask(HostQuestion.VDSO));
  }

  @Override
  public long xfeatures() {
    return HostQuestion.hexadecimal(ask(HostQuestion.XFEATURES)).orElse(0L);
  }

  @Override
  public Set<String> capabilities() {
    return HostQuestion.names(ask(HostQuestion.CAPABILITIES));
  }

  /// Who may choose pids may do that as well, and is not asked.
  @Override
  public boolean setsProgram() {
    return Restorer.isPlain(this) || Boolean.parseBoolean(ask(HostQuestion.SETS_PROGRAM));
  }

  @Override
  public long maxOpenFiles() {
    String answer = ask(HostQuestion.OPEN_FILES);
    return answer.isEmpty() ? 0 : Long.parseUnsignedLong(answer);
  }

  @Override
  public Optional<String> inherited(String file) {
    String answer = ask(HostQuestion.INHERITED + " " + file);
    return answer.isEmpty() ? Optional.empty() : Optional.of(answer.substring(1));
  }
}

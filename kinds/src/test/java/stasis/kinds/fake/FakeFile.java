package stasis.kinds.fake;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.procfs.FdInfo;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.FrozenTask;
import stasis.resource.HiddenRing;
import stasis.resource.HiddenSocket;
import stasis.resource.Lasting;
import stasis.resource.OpenFile;
import stasis.resource.OwnCall;
import stasis.resource.UnixSocket;

/// An open file description made of text, object 40 at fd 5. Bodies are numbered from 100 in the order they are asked
/// for; a call no answer was given for fails with EINVAL.
public final class FakeFile implements OpenFile {
  private static final int FIRST_BODY = 100;

  private final String link;
  private final FdInfo info;
  private final FileStat facts;
  private final Map<List<Object>, Answer> answers = new HashMap<>();
  private final Map<BodyKey, ObjectId> bodies = new HashMap<>();
  private long magic;

  public FakeFile(String link, String fdinfo, FileStat facts) {
    this.link = link;
    this.info = FdInfo.parse(fdinfo);
    this.facts = facts;
  }

  public FakeFile magic(long number) {
    magic = number;
    return this;
  }

  public FakeFile answering(Answer answer, Nr nr, Arg... args) {
    answers.put(List.of(nr, List.of(args)), answer);
    return this;
  }

  /// The keys of the bodies it was asked for.
  public List<BodyKey> bodies() {
    return List.copyOf(bodies.keySet());
  }

  @Override
  public ObjectId id() {
    return new ObjectId(40);
  }

  @Override
  public FrozenTask task() {
    return new FakeGroup().leader();
  }

  @Override
  public Fd fd() {
    return new Fd(5);
  }

  @Override
  public String subject() {
    return "task 4711 (victim) fd 5 " + link;
  }

  @Override
  public String link() {
    return link;
  }

  @Override
  public FdInfo info() {
    return info;
  }

  @Override
  public FileStat facts() {
    return facts;
  }

  @Override
  public long filesystemMagic() {
    return magic;
  }

  @Override
  public Answer ask(Nr nr, Arg... args) {
    return answers.getOrDefault(List.of(nr, List.of(args)), new Answer(-Errno.EINVAL.number(), Map.of()));
  }

  @Override
  public Lasting changing(List<OwnCall> undo) {
    throw new IllegalStateException("not a file that is changed");
  }

  @Override
  public boolean isSocketOfTree(long inode) {
    return false;
  }

  @Override
  public ObjectId body(BodyKey key) {
    return bodies.computeIfAbsent(key, _ -> new ObjectId(FIRST_BODY + bodies.size()));
  }

  @Override
  public Optional<ObjectId> fileAt(Fd fd) {
    return Optional.empty();
  }

  @Override
  public Optional<ObjectId> epollTarget(Fd targetFd, int nth) {
    return Optional.empty();
  }

  @Override
  public List<OpenFile> onSameInode() {
    return List.of(this);
  }

  @Override
  public boolean isHeldElsewhere() {
    return false;
  }

  @Override
  public Optional<String> holderOutside(String link) {
    return Optional.empty();
  }

  @Override
  public Optional<UnixSocket> unixSocket() {
    return Optional.empty();
  }

  @Override
  public Optional<HiddenRing> hiddenRing() {
    return Optional.empty();
  }

  @Override
  public Optional<HiddenSocket> hiddenSocket() {
    return Optional.empty();
  }

  @Override
  public Optional<OpenFile> socket(long inode) {
    return Optional.empty();
  }

  @Override
  public List<OpenFile> tree() {
    return onSameInode();
  }

  @Override
  public int rootPid() {
    return 4711;
  }

  @Override
  public Optional<ObjectId> taskInTree(int pid) {
    return Optional.empty();
  }

  @Override
  public List<Holder> holders() {
    return List.of(new Holder(new ObjectId(1), info()));
  }
}

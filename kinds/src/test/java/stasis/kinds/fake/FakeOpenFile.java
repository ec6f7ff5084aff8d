package stasis.kinds.fake;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.procfs.FdInfo;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.FrozenTask;
import stasis.resource.HiddenFaults;
import stasis.resource.HiddenMessage;
import stasis.resource.HiddenNotice;
import stasis.resource.HiddenRing;
import stasis.resource.HiddenSocket;
import stasis.resource.HiddenWatch;
import stasis.resource.Lasting;
import stasis.resource.OpenFile;
import stasis.resource.OwnCall;
import stasis.resource.UnixSocket;

/// An open file made of text and answers: object 30 at fd 3. What a test does not answer fails with ENOSYS.
public final class FakeOpenFile implements OpenFile {
  private final FakeGroup group = new FakeGroup();
  private final Map<Nr, List<Answer>> answers = new HashMap<>();
  private final Map<Fd, ObjectId> table = new HashMap<>();
  private final List<List<OwnCall>> changes = new ArrayList<>();
  private final List<Long> peers = new ArrayList<>();
  private final List<OpenFile> others = new ArrayList<>();
  private final String link;
  private final FileStat facts;
  private final String info;
  private Optional<FdInfo> after = Optional.empty();
  private Fd fd = new Fd(3);
  private long magic = 0xef53;
  private boolean elsewhere;
  private ObjectId id = new ObjectId(30);
  private Optional<UnixSocket> socket = Optional.empty();
  private Optional<HiddenSocket> hidden = Optional.empty();
  private Optional<HiddenRing> ring = Optional.empty();
  private Optional<List<HiddenWatch>> watches = Optional.empty();
  private Optional<List<HiddenMessage>> messages = Optional.empty();
  private Optional<HiddenNotice> notice = Optional.empty();
  private Optional<Integer> eventfdFlags = Optional.empty();
  private Optional<HiddenFaults> faults = Optional.empty();

  /// @param mode st_mode @param links st_nlink @param flags octal digits, as fdinfo prints them
  public FakeOpenFile(String link, int mode, int links, String flags, String... lines) {
    this(link, FakeHost.stat(mode, links), flags, lines);
  }

  public FakeOpenFile(String link, FileStat facts, String flags, String... lines) {
    this.link = link;
    this.facts = facts;
    this.info = "pos:\t0\nflags:\t" + flags + "\nmnt_id:\t15\nino:\t7\n" + String.join("\n", lines) + "\n";
  }

  public FakeOpenFile at(int number) {
    fd = new Fd(number);
    return this;
  }

  /// The next answer to `nr`; the last one given answers all further questions.
  public FakeOpenFile answering(Nr nr, Answer answer) {
    answers.computeIfAbsent(nr, _ -> new ArrayList<>()).add(answer);
    return this;
  }

  /// statx(2) then finds this inode 7 of device 0:0 under the path.
  public FakeOpenFile reachable() {
    return answering(Nr.STATX, new Answer(0, Map.of(4, Bytes.zeros(256).withU64(32, 7))));
  }

  public FakeOpenFile with(OpenFile other) {
    others.add(other);
    return this;
  }

  public FakeOpenFile table(int number, int object) {
    table.put(new Fd(number), new ObjectId(object));
    return this;
  }

  public FakeOpenFile heldElsewhere() {
    elsewhere = true;
    return this;
  }

  public FakeOpenFile faults(HiddenFaults facts) {
    faults = Optional.of(facts);
    return this;
  }

  @Override
  public Optional<HiddenFaults> hiddenFaults() {
    return faults;
  }

  public FakeOpenFile eventfdFlags(int flags) {
    eventfdFlags = Optional.of(flags);
    return this;
  }

  @Override
  public Optional<Integer> hiddenEventfdFlags() {
    return eventfdFlags;
  }

  public FakeOpenFile notice(HiddenNotice facts) {
    notice = Optional.of(facts);
    return this;
  }

  @Override
  public Optional<HiddenNotice> hiddenNotice() {
    return notice;
  }

  public FakeOpenFile watched(HiddenWatch... all) {
    watches = Optional.of(List.of(all));
    return this;
  }

  @Override
  public Optional<List<HiddenWatch>> hiddenWatches() {
    return watches;
  }

  public FakeOpenFile waiting(HiddenMessage... all) {
    messages = Optional.of(List.of(all));
    return this;
  }

  @Override
  public Optional<List<HiddenMessage>> hiddenMessages() {
    return messages;
  }

  public FakeOpenFile ring(HiddenRing facts) {
    ring = Optional.of(facts);
    return this;
  }

  @Override
  public Optional<HiddenRing> hiddenRing() {
    return ring;
  }

  public FakeOpenFile magic(long fileSystem) {
    magic = fileSystem;
    return this;
  }

  public FakeOpenFile socket(UnixSocket facts) {
    socket = Optional.of(facts);
    return this;
  }

  public FakeOpenFile as(int object) {
    id = new ObjectId(object);
    return this;
  }

  public FakeGroup group() {
    return group;
  }

  @Override
  public ObjectId id() {
    return id;
  }

  @Override
  public FrozenTask task() {
    return group.leader();
  }

  @Override
  public Fd fd() {
    return fd;
  }

  @Override
  public String subject() {
    return task().subject() + " fd " + fd + " " + link;
  }

  @Override
  public String link() {
    return link;
  }

  @Override
  public FdInfo info() {
    return FdInfo.parse(info);
  }

  /// What it shows when it is looked at again.
  public FakeOpenFile becoming(FakeOpenFile other) {
    after = Optional.of(other.info());
    return this;
  }

  @Override
  public FdInfo later() {
    return after.orElseGet(this::info);
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
    List<Answer> given = answers.getOrDefault(nr, List.of());
    return given.isEmpty() ? new Answer(-Errno.ENOSYS.number(), Map.of())
        : given.size() == 1 ? given.getFirst() : given.removeFirst();
  }

  @Override
  public Lasting changing(List<OwnCall> undo) {
    changes.add(undo);
    return () -> changes.remove(undo);
  }

  /// Undos of changes that were begun and not taken back.
  public List<List<OwnCall>> changes() {
    return List.copyOf(changes);
  }

  public FakeOpenFile peer(long inode) {
    peers.add(inode);
    return this;
  }

  @Override
  public boolean isSocketOfTree(long inode) {
    return peers.contains(inode);
  }

  @Override
  public ObjectId body(BodyKey key) {
    return new ObjectId(2000);
  }

  @Override
  public Optional<ObjectId> fileAt(Fd at) {
    return Optional.ofNullable(table.get(at));
  }

  @Override
  public Optional<ObjectId> epollTarget(Fd targetFd, int nth) {
    return fileAt(targetFd);
  }

  @Override
  public List<OpenFile> onSameInode() {
    var all = new ArrayList<OpenFile>(others);
    all.add(this);
    return all;
  }

  @Override
  public boolean isHeldElsewhere() {
    return elsewhere;
  }

  @Override
  public Optional<String> holderOutside(String asked) {
    return elsewhere ? Optional.of("task 812 (dbus-daemon)") : Optional.empty();
  }

  @Override
  public Optional<UnixSocket> unixSocket() {
    return socket;
  }

  public FakeOpenFile hidden(HiddenSocket facts) {
    hidden = Optional.of(facts);
    return this;
  }

  @Override
  public Optional<HiddenSocket> hiddenSocket() {
    return hidden;
  }

  @Override
  public Optional<OpenFile> socket(long inode) {
    return others.stream().filter(other -> other.facts().inode() == inode).findFirst();
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
    return group.taskInTree(pid);
  }

  @Override
  public List<Holder> holders() {
    return List.of(new Holder(new ObjectId(1), info()));
  }
}

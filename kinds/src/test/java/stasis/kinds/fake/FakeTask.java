package stasis.kinds.fake;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.procfs.FileStat;
import stasis.procfs.Stat;
import stasis.procfs.Status;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.FrozenTask;
import stasis.resource.HiddenThread;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Rseq;
import stasis.resource.SeccompFilter;
import stasis.resource.UserDispatch;

/// A frozen thread made of text and answers. What a test does not give is not there.
public final class FakeTask implements FrozenTask {
  private final FakeGroup group;
  private final ObjectId id;
  private final Tid tid;
  private final Map<String, String> status = new HashMap<>();
  private final List<String> stat;
  private final Map<String, String> files = new HashMap<>();
  private final Map<String, String> links = new HashMap<>();
  private final Map<String, FileStat> facts = new HashMap<>();
  private final Map<Question, Answer> observed = new HashMap<>();
  private final List<Bytes> pending = new ArrayList<>();
  private final List<SeccompFilter> filters = new ArrayList<>();
  private Optional<Rseq> rseq = Optional.empty();
  private Optional<UserDispatch> dispatch = Optional.empty();
  private Optional<HiddenThread> hidden = Optional.empty();
  private String comm = "victim";

  FakeTask(FakeGroup group, int id, int tid) {
    this.group = group;
    this.id = new ObjectId(id);
    this.tid = new Tid(tid);
    this.stat = new ArrayList<>(java.util.Collections.nCopies(49, "0"));
    status("Name", "victim").status("Uid", "0\t0\t0\t0").status("Gid", "0\t0\t0\t0").status("Groups", "")
        .status("SigPnd", "0000000000000000").status("ShdPnd", "0000000000000000")
        .status("CapInh", "0000000000000000").status("CapPrm", "000001ffffffffff")
        .status("CapEff", "000001ffffffffff").status("CapBnd", "000001ffffffffff")
        .status("CapAmb", "0000000000000000").status("NoNewPrivs", "0");
    link("ns/ipc", "ipc:[4026531840]");
  }

  /// One line of `/proc/PID/status`.
  public FakeTask status(String key, String value) {
    status.put(key, value);
    return this;
  }

  /// One field of `/proc/PID/stat`, from the fourth on, by its number in the manual page.
  public FakeTask stat(int field, long value) {
    stat.set(field - 4, Long.toString(value));
    return this;
  }

  public FakeTask file(String name, String text) {
    files.put(name, text);
    return this;
  }

  public FakeTask link(String name, String target) {
    links.put(name, target);
    return this;
  }

  public FakeTask facts(String name, FileStat stat) {
    facts.put(name, stat);
    return this;
  }

  public FakeTask observing(Answer answer, Nr nr, Arg... args) {
    observed.put(Question.of(nr, args), answer);
    return this;
  }

  public FakeTask pending(Bytes siginfo) {
    pending.add(siginfo);
    return this;
  }

  public FakeTask rseq(Rseq area) {
    rseq = Optional.of(area);
    return this;
  }

  public FakeTask filter(SeccompFilter filter) {
    filters.add(filter);
    return this;
  }

  public FakeTask dispatch(UserDispatch on) {
    dispatch = Optional.of(on);
    return this;
  }

  public FakeTask hidden(HiddenThread facts) {
    hidden = Optional.of(facts);
    return this;
  }

  public FakeTask comm(String name) {
    comm = name;
    return this;
  }

  @Override
  public ObjectId id() {
    return id;
  }

  @Override
  public Tid tid() {
    return tid;
  }

  @Override
  public FrozenGroup group() {
    return group;
  }

  @Override
  public String subject() {
    return "task " + tid + " (victim)";
  }

  @Override
  public Status status() {
    var text = new StringBuilder();
    status.forEach((key, value) -> text.append(key).append(":\t").append(value).append('\n'));
    return Status.parse(text.toString());
  }

  @Override
  public Stat stat() {
    return Stat.parse(tid + " (" + comm + ") t " + String.join(" ", stat) + "\n");
  }

  @Override
  public String proc(String file) throws ObstructedException {
    return given(files, file);
  }

  @Override
  public String link(String name) throws ObstructedException {
    return given(links, name);
  }

  @Override
  public FileStat facts(String name) throws ObstructedException {
    return given(facts, name);
  }

  private <T> T given(Map<String, T> things, String name) throws ObstructedException {
    T thing = things.get(name);
    if (thing == null) {
      throw new ObstructedException(subject(), "no " + name + " was given", "");
    }
    return thing;
  }

  @Override
  public List<Bytes> pending() {
    return List.copyOf(pending);
  }

  @Override
  public Optional<Rseq> rseq() {
    return rseq;
  }

  @Override
  public List<SeccompFilter> seccompFilters() {
    return List.copyOf(filters);
  }

  @Override
  public Optional<UserDispatch> userDispatch() {
    return dispatch;
  }

  @Override
  public Optional<HiddenThread> hidden() {
    return hidden;
  }

  /// ENOSYS where nothing was given.
  @Override
  public Answer observe(Nr nr, Arg... args) {
    Answer answer = observed.get(Question.of(nr, args));
    return answer == null ? new Answer(-Errno.ENOSYS.number(), Map.of()) : answer;
  }
}

package stasis.linux.bpf;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;

/// Reads what the kernel shows no other way, without touching the tasks: neither stopped nor injected. Loaded once,
/// then read as often as wanted; close it to unload. One thread at a time.
///
/// Ids are of the reader's pid namespace. Reading does not freeze: freeze first for one consistent picture.
public final class HiddenState implements AutoCloseable {
  /// What [#open] found.
  public sealed interface Opened {
    /// Ready to read.
    record Ready(HiddenState state) implements Opened {}

    /// Not here. @param reason what is missing or refused, for a user to read
    record Unavailable(String reason) implements Opened {}
  }

  private final Btf btf;
  private final ThreadRecords threadRecords;
  private final int undoHeadOffset;
  private final int format;
  private final TaskReader<ThreadField> threads;
  private final TaskReader<GroupField> groups;
  private Optional<TaskReader<TimerField>> timers = Optional.empty();
  private Optional<TaskReader<UndoField>> undos = Optional.empty();
  private Optional<TaskReader<SocketField>> sockets = Optional.empty();
  private Optional<TaskReader<VmaField>> vmas = Optional.empty();
  private Optional<TerminalReader> terminals = Optional.empty();
  private Optional<KernelWords> words = Optional.empty();

  private HiddenState(Btf btf, ThreadRecords threadRecords, int format, TaskReader<ThreadField> threads,
      TaskReader<GroupField> groups) {
    this.btf = btf;
    this.threadRecords = threadRecords;
    this.format = format;
    undoHeadOffset = btf.field("sem_undo_list", "list_proc").map(FieldPlace::offsetBytes).orElse(0);
    this.threads = threads;
    this.groups = groups;
  }

  /// Loads the programs for the running kernel.
  public static Opened open() {
    return open(BtfFile.VMLINUX);
  }

  /// @param btf type information of the running kernel
  public static Opened open(Path btf) {
    try {
      return new Opened.Ready(load(Btf.parse(BtfFile.read(btf))));
    } catch (NoSuchFileException e) {
      return new Opened.Unavailable("the kernel shows no type information at " + btf + " (CONFIG_DEBUG_INFO_BTF)");
    } catch (IOException e) {
      return new Opened.Unavailable("cannot read the kernel's type information: " + e);
    } catch (IllegalArgumentException | UnsupportedKernel | SyscallException e) {
      return new Opened.Unavailable(String.valueOf(e.getMessage()));
    }
  }

  /// As this one was opened, with what it knows of the running kernel; it may be closed by now.
  public Opened again() {
    try {
      return new Opened.Ready(load(btf));
    } catch (UnsupportedKernel | SyscallException e) {
      return new Opened.Unavailable(String.valueOf(e.getMessage()));
    }
  }

  private static HiddenState load(Btf btf) throws SyscallException, UnsupportedKernel {
    ThreadRecords threadRecords = ThreadRecords.of(btf);
    RecordLayout<GroupField> groupLayout = RecordLayout.of(btf, "task_struct", GroupField.class);
    int format = BpfCalls.createFrozen("%ps\0".getBytes(StandardCharsets.US_ASCII));
    try {
      TaskReader<ThreadField> threads = TaskReader.ofTasks(btf, threadRecords.layout(), format);
      try {
        return new HiddenState(btf, threadRecords, format, threads, TaskReader.ofTasks(btf, groupLayout, format));
      } catch (SyscallException | UnsupportedKernel e) {
        threads.close();
        throw e;
      }
    } catch (SyscallException | UnsupportedKernel e) {
      BpfCalls.close(format);
      throw e;
    }
  }

  /// All there is to know of a thread group; empty if there is none with this id.
  public Optional<HiddenGroup> read(Tid tgid) throws SyscallException {
    List<Row<ThreadField>> rows = ThreadRecords.living(threads.read(new Visit.Group(tgid)));
    if (rows.isEmpty()) {
      return Optional.empty();
    }
    List<HiddenTask> tasks = decode(rows);
    for (HiddenTask task : tasks) {
      if (task.state().hasMm()) {
        return Optional.of(new HiddenGroup(tgid, tasks, shared(task.tid())));
      }
    }
    return Optional.of(new HiddenGroup(tgid, tasks, Optional.empty()));
  }

  /// Every thread of the reader's pid namespace, kernel threads too, by tid; what threads share is left to [#read].
  public List<HiddenTask> readAll() throws SyscallException {
    return decode(ThreadRecords.living(threads.read(new Visit.All())));
  }

  /// The internet sockets a thread has open, by inode number.
  public Map<Long, KernelSocket> sockets(Tid tid) throws SyscallException {
    Map<Long, KernelSocket> found = new HashMap<>();
    for (Row<SocketField> row : sockets().read(new Visit.One(tid))) {
      KernelSocket.of(row).ifPresent(socket -> found.put(socket.inode(), socket));
    }
    return found;
  }

  /// The vmas of a thread's mm, by rising address.
  public List<KernelVma> vmas(Tid tid) throws SyscallException {
    if (vmas.isEmpty()) {
      try {
        vmas = Optional.of(TaskReader.ofVmas(btf, RecordLayout.of(btf, "vm_area_struct", VmaField.class)));
      } catch (UnsupportedKernel e) {
        throw refused(e, "vmas");
      }
    }
    return vmas.get().readRising(new Visit.One(tid), VmaField.START).stream().map(KernelVma::of).toList();
  }

  /// What is in the pseudoterminal of this number, whose master a thread has open; empty when that is not certain.
  public Optional<KernelTerminal> terminal(Tid tid, int number) throws SyscallException {
    if (terminals.isEmpty()) {
      try {
        terminals = Optional.of(TerminalReader.of(btf));
      } catch (UnsupportedKernel e) {
        throw refused(e, "terminals");
      }
    }
    return terminals.get().read(tid, number);
  }

  /// What lies in the queues of sockets; for the caller to close.
  ///
  /// @param tid the calling thread's group
  /// @throws SyscallException also where this kernel keeps them in another way
  public KernelQueues queues(Tid tid) throws SyscallException {
    try (Sample sample = Sample.make()) {
      for (Row<SocketField> row : sockets().read(new Visit.One(tid))) {
        if (row.unsigned(SocketField.INODE) == sample.inode()) {
          return KernelQueues.open(btf, row.unsigned(SocketField.ADDRESS), sample.content().toArray());
        }
      }
      throw Places.lost("a socket of our own is not seen");
    } catch (UnsupportedKernel e) {
      throw refused(e, "queues of sockets");
    }
  }

  /// An io_uring that a task has open.
  ///
  /// @param others its descriptors that may be registered with it
  /// @param users tasks that may have requests on their way: those are told as [KernelRing#parts]
  public Optional<KernelRing> ring(Tid holder, int fd, List<Integer> others, List<Tid> users)
      throws SyscallException {
    List<Row<GroupField>> rows = groups.read(new Visit.One(holder));
    if (rows.isEmpty()) {
      return Optional.empty();
    }
    try {
      var parts = new ArrayList<String>();
      var busy = new ArrayList<Tid>();
      for (Tid user : users) {
        for (Row<ThreadField> row : threads.read(new Visit.Group(user))) {
          long task = row.has(ThreadField.IO_URING) ? row.unsigned(ThreadField.IO_URING) : 0;
          int inFlight = task == 0 ? 0 : KernelRing.inFlight(words(), task);
          if (inFlight != 0) {
            parts.add(inFlight + " requests in flight");
            busy.add(new Tid(row.int32(ThreadField.TID)));
          }
          if (task != 0 && KernelRing.hasRegisteredRings(words(), task)) {
            parts.add("a descriptor registered with the ring (IORING_REGISTER_RING_FDS)");
          }
        }
      }
      return Optional.of(KernelRing.of(words(), rows.getFirst().unsigned(GroupField.FILES), fd, others).with(parts,
          busy));
    } catch (UnsupportedKernel e) {
      throw refused(e, "an io_uring");
    }
  }

  /// A userfaultfd that a task has open.
  ///
  /// @param watched whose memory it may watch
  public Optional<KernelFaults> faults(Tid holder, int fd, Tid watched) throws SyscallException {
    List<Row<GroupField>> others = groups.read(new Visit.One(watched));
    return others.isEmpty() ? Optional.empty() : ofFiles(holder, "a userfaultfd", (all, files) ->
        KernelFaults.of(all, files, fd, others.getFirst().unsigned(GroupField.MM)));
  }

  private interface OfFiles<T> {
    T read(KernelWords words, long files) throws SyscallException, UnsupportedKernel;
  }

  private <T> Optional<T> ofFiles(Tid holder, String what, OfFiles<T> reading) throws SyscallException {
    List<Row<GroupField>> rows = groups.read(new Visit.One(holder));
    try {
      return rows.isEmpty() ? Optional.empty()
          : Optional.of(reading.read(words(), rows.getFirst().unsigned(GroupField.FILES)));
    } catch (UnsupportedKernel e) {
      throw refused(e, what);
    }
  }

  /// How a POSIX message queue that a task has open tells of messages.
  public Optional<KernelNotice> notice(Tid holder, int fd) throws SyscallException {
    return ofFiles(holder, "a message queue", (all, files) ->
        KernelNotice.of(all, KernelMessage.queue(all, files, fd)));
  }

  /// What eventfd2(2) was given for an eventfd that a task has open.
  public Optional<Integer> eventfdFlags(Tid holder, int fd) throws SyscallException {
    return ofFiles(holder, "an eventfd", (all, files) -> all.u32(all.u64(KernelWatch.file(all, files, fd)
        + all.offset("file", "private_data")) + all.offset("eventfd_ctx", "flags")));
  }

  /// What waits in a POSIX message queue that a task has open.
  public Optional<List<KernelMessage>> messages(Tid holder, int fd) throws SyscallException {
    return ofFiles(holder, "a message queue", (all, files) -> {
      try (KernelMemory memory = KernelMemory.open()) {
        return KernelMessage.of(all, memory, KernelMessage.queue(all, files, fd));
      }
    });
  }

  /// Signals asked for through these tasks' tables when something changes in a directory that `holder` has open.
  public List<KernelWatch> watches(Tid holder, int fd, List<Tid> tasks) throws SyscallException {
    Map<Long, Tid> tables = new HashMap<>();
    for (Tid task : tasks) {
      groups.read(new Visit.One(task)).forEach(row -> tables.putIfAbsent(row.unsigned(GroupField.FILES), task));
    }
    return ofFiles(holder, "who watches a directory", (all, files) ->
        KernelWatch.of(all, KernelWatch.file(all, files, fd), tables)).orElse(List.of());
  }

  private KernelWords words() throws SyscallException, UnsupportedKernel {
    if (words.isEmpty()) {
      words = Optional.of(KernelWords.open(btf));
    }
    return words.get();
  }

  /// The contexts for asynchronous I/O of the thread's mm, in the order the kernel keeps them.
  public List<KernelAio> aio(Tid tid) throws SyscallException {
    List<Row<GroupField>> rows = groups.read(new Visit.One(tid));
    if (rows.isEmpty() || !rows.getFirst().flag(GroupField.MM)) {
      return List.of();
    }
    try {
      return KernelAio.of(words(), rows.getFirst().unsigned(GroupField.MM));
    } catch (UnsupportedKernel e) {
      throw refused(e, "contexts of asynchronous I/O");
    }
  }

  /// Which parts can be read; loads what was not needed so far.
  BpfFeatures features() {
    var absent = new ArrayList<>(threads.layout().absent(ThreadField.class));
    absent.addAll(groups.layout().absent(GroupField.class));
    return new BpfFeatures(Optional.empty(), refusalOf(this::timers), refusalOf(this::undos), absent);
  }

  private interface Loading {
    void load() throws SyscallException;
  }

  private static Optional<String> refusalOf(Loading part) {
    try {
      part.load();
      return Optional.empty();
    } catch (SyscallException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  private Optional<HiddenGroup.Shared> shared(Tid tid) throws SyscallException {
    Visit.One visit = new Visit.One(tid);
    List<Row<GroupField>> rows = groups.read(visit);
    if (rows.isEmpty() || !rows.getFirst().flag(GroupField.MM)) {
      return Optional.empty();
    }
    Row<GroupField> row = rows.getFirst();
    var found = new ArrayList<PosixTimer>();
    if (row.flag(GroupField.TIMERS_FIRST)) {
      for (Row<TimerField> timer : timers().readList(visit)) {
        // A timer of a running task can vanish under the walk; what is no longer its own is not believed.
        if (timer.unsigned(TimerField.SIGNAL_STRUCT) == row.unsigned(GroupField.SIGNAL)) {
          found.add(GroupRecords.timer(timer));
        }
      }
    }
    found.sort(Comparator.comparingInt(PosixTimer::id));
    return Optional.of(GroupRecords.decode(row, found));
  }

  private List<HiddenTask> decode(List<Row<ThreadField>> rows) throws SyscallException {
    var tasks = new ArrayList<HiddenTask>();
    Map<Long, List<SemUndo>> read = new HashMap<>();
    for (Row<ThreadField> row : rows) {
      long list = row.has(ThreadField.UNDO_FIRST) ? row.unsigned(ThreadField.UNDO_LIST) : 0;
      // Every program with threads has a list (ipc/sem.c, copy_semundo); most are empty: the head points to itself.
      boolean empty = list == 0 || row.unsigned(ThreadField.UNDO_FIRST) == list + undoHeadOffset;
      if (!empty && !read.containsKey(list)) {
        read.put(list, semUndo(list, new Tid(row.int32(ThreadField.TID))));
      }
      tasks.add(threadRecords.decode(row, read.getOrDefault(list, List.of())));
    }
    return tasks;
  }

  private List<SemUndo> semUndo(long list, Tid tid) throws SyscallException {
    var found = new ArrayList<SemUndo>();
    for (Row<UndoField> row : undos().readList(new Visit.One(tid))) {
      // semid is -1 once the set is removed (ipc/sem.c, freeary)
      if (row.unsigned(UndoField.LIST) == list && row.int32(UndoField.SEMID) != -1) {
        found.add(GroupRecords.undo(row));
      }
    }
    found.sort(Comparator.comparingInt(SemUndo::semId));
    return found;
  }

  /// Loaded when the first timer shows up: most programs have none.
  private TaskReader<TimerField> timers() throws SyscallException {
    if (timers.isEmpty()) {
      try {
        timers = Optional.of(TaskReader.ofList(btf, RecordLayout.of(btf, "k_itimer", TimerField.class),
            "signal->posix_timers", "k_itimer", "list"));
      } catch (UnsupportedKernel e) {
        throw refused(e, "POSIX timers");
      }
    }
    return timers.get();
  }

  private TaskReader<UndoField> undos() throws SyscallException {
    if (undos.isEmpty()) {
      try {
        undos = Optional.of(TaskReader.ofList(btf, RecordLayout.of(btf, "sem_undo", UndoField.class),
            "sysvsem.undo_list->list_proc", "sem_undo", "list_proc"));
      } catch (UnsupportedKernel e) {
        throw refused(e, "semaphore adjustments");
      }
    }
    return undos.get();
  }

  private TaskReader<SocketField> sockets() throws SyscallException {
    if (sockets.isEmpty()) {
      try {
        sockets = Optional.of(TaskReader.ofFiles(btf, RecordLayout.of(btf, "file", SocketField.class)));
      } catch (UnsupportedKernel e) {
        throw refused(e, "sockets");
      }
    }
    return sockets.get();
  }

  private static SyscallException refused(UnsupportedKernel cause, String what) {
    var refusal = new SyscallException(stasis.linux.abi.Nr.BPF, stasis.linux.abi.Errno.EOPNOTSUPP,
        "read " + what + " by BPF: " + cause.getMessage());
    refusal.initCause(cause);
    return refusal;
  }

  @Override
  public void close() {
    terminals.ifPresent(TerminalReader::close);
    words.ifPresent(KernelWords::close);
    sockets.ifPresent(TaskReader::close);
    vmas.ifPresent(TaskReader::close);
    timers.ifPresent(TaskReader::close);
    undos.ifPresent(TaskReader::close);
    groups.close();
    threads.close();
    BpfCalls.close(format);
  }
}

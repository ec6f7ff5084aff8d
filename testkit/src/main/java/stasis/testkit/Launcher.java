package stasis.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Spawn;
import stasis.linux.sys.Syscalls;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.procfs.Status;

/// Starts the programs that live tests checkpoint: in a session of their own, with stdio on files, and never through
/// `ProcessBuilder`, whose reaper thread would eat ptrace stops. Ends whatever is left of them when closed.
///
/// Between this JVM and the program stands a small parent (`victims/foster.c`): the program is not our child, as the
/// programs of real users are not, its end is taken at once, and its orphans go there.
///
/// All that it starts carries the variable `VICTIM_DIR` in its environment; by that, and not by a pid that may have
/// changed hands, it finds its own again after a restore.
public final class Launcher implements AutoCloseable {
  private static final String VARIABLE = "VICTIM_DIR=";
  private static final Duration START = Duration.ofSeconds(20);
  private static final int SIGKILL = 9;
  private static final int WNOHANG = 1;
  private static final Duration END = Duration.ofSeconds(10);
  private final Path work;
  private final Path foster;
  private final List<Tid> fosters = new ArrayList<>();
  private int started;

  /// @param program absolute path @param arguments without argv[0] @param environment `NAME=value` each
  public record Program(Path program, List<String> arguments, List<String> environment) {
    public Program {
      arguments = List.copyOf(arguments);
      environment = List.copyOf(environment);
    }

    /// With a plain environment.
    public static Program of(Path program, String... arguments) {
      return new Program(program, List.of(arguments), List.of("PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C"));
    }

    public Program with(String variable) {
      var more = new ArrayList<>(environment);
      more.add(variable);
      return new Program(program, arguments, more);
    }
  }

  /// @param work folder in which each program gets one of its own @param compiler makes the parent
  public Launcher(Path work, VictimCompiler compiler) {
    this.work = work.toAbsolutePath().normalize();
    this.foster = compiler.compileOwn("foster.c");
  }

  /// Starts a program and waits until it is that program and no longer its parent's image. Its working directory is its
  /// folder, its output goes to `out` and `err` there.
  public Victim start(Program program) {
    fosters.removeIf(this::isReaped);
    try {
      Path folder = work.resolve(++started + "-" + Objects.requireNonNull(program.program().getFileName()));
      Files.createDirectories(folder);
      var arguments = new ArrayList<>(List.of("foster", folder.toString(), program.program().toString()));
      arguments.addAll(program.arguments());
      long pid = new Spawn(foster.toString(), arguments, program.environment(), "/", "/dev/null",
          folder.resolve("out").toString(), folder.resolve("err").toString(), true).start();
      if (Errno.isError(pid)) {
        throw new IllegalStateException("spawn " + foster + ": " + Errno.of(pid));
      }
      fosters.add(new Tid((int) pid));
      return new Victim(this, awaitStart(folder), folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Tid awaitStart(Path folder) throws IOException {
    Poll poll = new Poll(START);
    while (true) {
      Path written = folder.resolve("pid");
      if (Files.exists(written)) {
        Tid pid = new Tid(Integer.parseInt(Files.readString(written).strip()));
        if (Files.exists(folder.resolve("exit")) || isExecuted(pid)) {
          return pid;
        }
      }
      if (!poll.again()) {
        throw new IllegalStateException("the program did not start; see " + folder.resolve("err"));
      }
    }
  }

  private boolean isExecuted(Tid pid) throws IOException {
    try {
      Optional<ProcTask> living = living(Proc.live().task(pid));
      return living.isPresent() && !Path.of(living.get().exe().toString()).equals(foster.toRealPath());
    } catch (ProcException _) {
      return false;
    }
  }

  /// The living thread groups whose environment or working directory names this folder or one in it: a victim, the
  /// children it made, and whatever they came back as.
  List<Tid> tasksOf(Path folder) {
    try {
      return Proc.live().tgids().stream().filter(pid -> isOf(folder, pid)).toList();
    } catch (ProcException e) {
      throw new IllegalStateException("there is no /proc", e);
    }
  }

  /// Both signs are asked for, because a restore that went wrong may have lost either.
  boolean isOf(Path folder, Tid pid) {
    try {
      Optional<ProcTask> living = living(Proc.live().task(pid));
      if (living.isEmpty()) {
        return false;
      }
      ProcTask task = living.get();
      return Path.of(task.cwd().toString()).startsWith(folder) || Arrays.stream(task.text("environ").split("\0"))
          .anyMatch(v -> v.startsWith(VARIABLE) && Path.of(v.substring(VARIABLE.length())).startsWith(folder));
    } catch (ProcException _) {
      return false;
    }
  }

  /// A thread that has not ended: the first may have, and shows neither environment nor directory then.
  private static Optional<ProcTask> living(ProcTask group) throws ProcException {
    if (isLiving(group)) {
      return Optional.of(group);
    }
    return group.threads().stream().map(group::thread).filter(Launcher::isLiving).findFirst();
  }

  private static boolean isLiving(ProcTask thread) {
    try {
      char state = thread.stat().state();
      return state != 'Z' && state != 'X';
    } catch (ProcException e) {
      return false;
    }
  }

  /// Every living thread group this launcher is answerable for.
  public List<Tid> tasks() {
    return tasksOf(work);
  }

  /// Takes the end of a foster if it has come. A wait for anything but an untraced zombie could eat a ptrace stop that
  /// a tracer thread of this same JVM is waiting for, whatever its options (kernel/exit.c, wait_task_stopped()).
  ///
  /// @return whether there is no such child any more
  private boolean isReaped(Tid child) {
    try {
      Status status = Proc.live().task(child).status();
      if (status.state() != 'Z' || status.tracerPid() != 0) {
        return false;
      }
      return Syscalls.call(Nr.WAIT4, child.value(), 0, WNOHANG, 0) != 0;
    } catch (ProcException _) {
      return true;
    }
  }

  /// Ends all tasks of a folder and waits until their pids are free.
  void kill(Path folder) {
    Poll poll = new Poll(END);
    List<Tid> ended = new ArrayList<>();
    while (true) {
      List<Tid> left = tasksOf(folder);
      left.forEach(pid -> Syscalls.call(Nr.KILL, pid.value(), SIGKILL));
      ended.addAll(left);
      if (left.isEmpty() && ended.stream().noneMatch(Launcher::isZombie)) {
        return;
      }
      if (!poll.again()) {
        throw new IllegalStateException("tasks " + ended + " of " + folder + " outlive SIGKILL");
      }
    }
  }

  private static boolean isZombie(Tid pid) {
    try {
      return Proc.live().task(pid).stat().state() == 'Z';
    } catch (ProcException _) {
      return false;
    }
  }

  @Override
  public void close() {
    kill(work);
    Poll poll = new Poll(END);
    while (!fosters.isEmpty() && poll.again()) {
      fosters.removeIf(this::isReaped);
    }
  }
}

package stasis.live;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.Environment;
import stasis.engine.LiveEnvironment;
import stasis.engine.Moment;
import stasis.engine.RestoreRequest;
import stasis.engine.Restorer;
import stasis.kinds.Kinds;
import stasis.kinds.TcpPeers;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// An engine in a JVM of its own that can be made to die by SIGKILL at its n-th moment, as nothing within a JVM can.
final class EngineProcess {
  private static final int SIGKILL = 9;
  private static final long NEVER = Long.MAX_VALUE;
  private static final int BOUND_SECONDS = 240;
  private static final int WAIT_MS = 10;

  private EngineProcess() {}

  /// How the process ended, and the last line it said.
  record End(int status, String words) {
    /// A JVM's exit status after a signal is 128 and its number.
    boolean killed() {
      return status == 128 + SIGKILL;
    }
  }

  /// @param diesAt ordinal of the moment, from 0
  static End checkpoint(Tid pid, Path image, boolean leaveRunning, long diesAt) throws IOException {
    return checkpoint(pid, image, leaveRunning, diesAt, TcpPeers.REFUSE);
  }

  /// @param diesAt ordinal of the moment, from 0
  static End checkpoint(Tid pid, Path image, boolean leaveRunning, long diesAt, TcpPeers outside)
      throws IOException {
    return run(List.of(), Path.of(image + ".log"), "checkpoint", pid.toString(), image.toString(),
        Boolean.toString(leaveRunning), Long.toString(diesAt), outside.name());
  }

  /// A checkpoint that nothing kills, by an engine whose JVM is started through another program.
  ///
  /// @param wrapper runs the command that follows it @param log what it says
  static End checkpointThrough(List<String> wrapper, Tid pid, Path image, boolean leaveRunning, Path log)
      throws IOException {
    return run(wrapper, log, "checkpoint", pid.toString(), image.toString(), Boolean.toString(leaveRunning),
        Long.toString(NEVER));
  }

  static End restore(Path image, long diesAt) throws IOException {
    return run(List.of(), Path.of(image + ".log"), "restore", "0", image.toString(), "false", Long.toString(diesAt));
  }

  /// What [#main] is asked: a checkpoint at one of whose calls something happens.
  static List<String> checkpointing(Tid pid, Path image, boolean leaveRunning, FaultGate.Order order) {
    return List.of("checkpoint", pid.toString(), image.toString(), Boolean.toString(leaveRunning), Long.toString(NEVER),
        TcpPeers.REFUSE.name(), order.text());
  }

  /// As [#checkpointing], a restore.
  static List<String> restoring(Path image, FaultGate.Order order) {
    return List.of("restore", "0", image.toString(), "false", Long.toString(NEVER), TcpPeers.REFUSE.name(), order.text());
  }

  private static End run(List<String> wrapper, Path log, String... arguments) throws IOException {
    var command = new ArrayList<>(wrapper);
    command.addAll(java(System.getProperty("java.class.path"), List.of()));
    command.addAll(List.of(arguments));
    Process jvm = start(command, log);
    return end(jvm, log);
  }

  /// The command that arguments of [#main] may follow.
  static List<String> java(String classPath, List<String> options) {
    var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData", "--enable-native-access=ALL-UNNAMED"));
    command.addAll(options);
    command.addAll(List.of("-cp", classPath, EngineProcess.class.getName()));
    return command;
  }

  static Process start(List<String> command, Path log) throws IOException {
    return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
  }

  /// Waits for the end of an engine; one that says that it hangs is killed.
  static End end(Process jvm, Path log) throws IOException {
    long bound = System.nanoTime() + TimeUnit.SECONDS.toNanos(BOUND_SECONDS);
    try {
      while (!jvm.waitFor(WAIT_MS, TimeUnit.MILLISECONDS)) {
        if (System.nanoTime() > bound) {
          throw new AssertionError("the engine takes more than " + BOUND_SECONDS + " s");
        }
        if (Files.readString(log).startsWith("hangs")) {
          jvm.destroyForcibly();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the engine worked", e);
    } finally {
      jvm.destroyForcibly();
    }
    return new End(jvm.exitValue(), Files.readString(log).strip());
  }

  public static void main(String[] arguments) throws IOException {
    List<String> asked = arguments.length == 1 ? SpareEngine.awaitOrder(Path.of(arguments[0])) : List.of(arguments);
    Object outcome = outcome(asked);
    System.out.println(outcome.getClass().getSimpleName() + " " + Cycle.text(outcome));
    System.exit(0);
  }

  private static Object outcome(List<String> asked) throws IOException {
    Environment environment = LiveEnvironment.of("test");
    Path image = Path.of(asked.get(2));
    Moment.Listener listener = diesAt(Long.parseLong(asked.get(4)));
    TcpPeers outside = asked.size() > 5 ? TcpPeers.valueOf(asked.get(5)) : TcpPeers.REFUSE;
    Supplier<Object> work = asked.get(0).equals("checkpoint")
        ? () -> new Checkpointer(Kinds.all(outside), environment).checkpoint(new CheckpointRequest(
            new Tid(Integer.parseInt(asked.get(1))), image, Boolean.parseBoolean(asked.get(3)), false, false,
            Optional.empty()), listener)
        : () -> new Restorer(Kinds.all(), environment).restore(new RestoreRequest(image, false), listener);
    return asked.size() > 6
        ? Syscalls.through(FaultGate.of(FaultGate.Order.parse(asked.get(6))), work) : work.get();
  }

  private static Moment.Listener diesAt(long ordinal) {
    long[] left = {ordinal};
    return moment -> {
      if (!(moment instanceof Moment.Calls) && left[0] != NEVER && left[0]-- == 0) {
        System.out.println(moment);
        System.out.flush();
        Syscalls.call(Nr.KILL, ProcessHandle.current().pid(), SIGKILL);
      }
    };
  }
}

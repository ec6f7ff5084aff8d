package stasis.tracee;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// Dies at every step of a [Scenario], over and over. A program of its own: its tracer threads vanish.
///
/// Dying is exit(2) of the tracer's OS thread at a fault point, straight from the downcall: nothing of ours is run any
/// more, and the kernel ends the ties in `exit_ptrace()`, as it does when the whole process is killed. Thousands of
/// deaths then cost one JVM. With `kill`, the whole JVM dies by SIGKILL instead, once.
final class Sweep {
  private Sweep() {}

  /// Ways to spoil the parachute, so that the sweep can be seen to notice.
  enum Spoil { NOTHING, UNMAP, RDI, MASK }

  public static void main(String[] arguments) throws Exception {
    Map<String, String> options = new TreeMap<>();
    for (String argument : arguments) {
      options.put(argument.substring(0, argument.indexOf('=')), argument.substring(argument.indexOf('=') + 1));
    }
    var target = new Target(new Tid(Integer.parseInt(options.get("pid"))));
    Tid victim = new Tid(Integer.parseInt(options.getOrDefault("victim", options.get("pid"))));
    Optional<Snapshot.Custody> custody = switch (options.getOrDefault("snapshot", "away")) {
      case "none" -> Optional.empty();
      case "kept" -> Optional.of(Snapshot.Custody.KEPT);
      default -> Optional.of(Snapshot.Custody.GIVEN_AWAY);
    };
    var scenario = new Scenario(target.leader(), victim, custody,
        options.getOrDefault("snapshot", "").equals("relieved"));
    if (options.containsKey("kill")) {
      killed(scenario, Integer.parseInt(options.get("kill")));
      return;
    }
    if (options.containsKey("loop")) {
      loop(scenario);
      return;
    }
    new Run(target, scenario, options).all();
    Runtime.getRuntime().halt(0);
  }

  private static void killed(Scenario scenario, int step) throws SyscallException {
    try (var tracer = new TracerThread()) {
      var steps = new AtomicInteger();
      tracer.call(ptrace -> scenario.run(ptrace, _ -> {
        if (steps.getAndIncrement() == step) {
          Syscalls.call(Nr.KILL, ProcessHandle.current().pid(), 9);
        }
      }));
      System.out.println("SURVIVED steps " + steps);
    }
  }

  /// Until it is killed.
  private static void loop(Scenario scenario) throws SyscallException {
    try (var tracer = new TracerThread()) {
      for (int i = 0;; i++) {
        tracer.call(ptrace -> scenario.run(ptrace, FaultPoints.NONE));
        if (i == 20) {
          System.out.println("warm");
        }
      }
    }
  }

  /// One sweep over one victim.
  private record Run(Target target, Scenario scenario, Map<String, String> options) {
    void all() throws Exception {
      var verifier = new Verifier(target, Boolean.parseBoolean(options.getOrDefault("maps", "true")),
          !scenario.custody().equals(Optional.of(Snapshot.Custody.KEPT)));
      boolean steps = !options.containsKey("seed");
      var random = new Random(Long.parseLong(options.getOrDefault("seed", "0")));
      long end = System.nanoTime() + Long.parseLong(options.getOrDefault("seconds", "10")) * 1_000_000_000L;
      int first = Integer.parseInt(options.getOrDefault("from", "0"));
      int repetitions = Integer.parseInt(options.getOrDefault("repetitions", "1"));
      Optional<Report> report = options.containsKey("report") ? Optional.of(new Report(Path.of(options.get("report"))))
          : Optional.empty();
      AtomicBoolean storming = storm();
      List<Integer> chosen = whole(options.getOrDefault("name", ""));
      int count = chosen.size();
      int deaths = 0;
      int wholeRuns = 0;
      var failures = new TreeMap<String, Integer>();
      boolean done = false;
      for (int i = 0; !done && System.nanoTime() < end; i++) {
        int step = steps ? first + i / repetitions : chosen.get(random.nextInt(count));
        var where = new String[] {"end"};
        boolean died = die(step, where);
        if (died) {
          deaths++;
        } else {
          wholeRuns++;
          done = steps && i % repetitions == repetitions - 1 && step >= count;
        }
        Optional<String> wrong = verifier.verify().or(() -> report.flatMap(one -> stuck(one)));
        if (wrong.isPresent()) {
          failures.merge(where[0], 1, Integer::sum);
          if (failures.values().stream().mapToInt(Integer::intValue).sum() <= 3) {
            System.out.println("FAIL step " + step + " after " + where[0] + ": " + wrong.get());
          }
          done |= wrong.get().equals("DEAD");
        }
      }
      storming.set(false);
      System.out.println("SWEPT steps=" + count + " complete=" + (done || !steps) + " deaths=" + deaths + " whole="
          + wholeRuns + " failures=" + failures.values().stream().mapToInt(Integer::intValue).sum() + " at=" + failures
          + " " + report.map(one -> "eintr-epoll=" + one.eintr(Report.EPOLL) + " late=" + one.lateUs() + " signals="
          + one.signals() + " complaints=[" + one.complaints(options.containsKey("storm")) + "]")
              .orElse("complaints=[]"));
    }

    private Optional<String> stuck(Report report) {
      long before = report.rounds(Report.SPIN);
      long end = System.nanoTime() + 2_000_000_000L;
      while (report.rounds(Report.SPIN) <= before + 1) {
        if (System.nanoTime() > end) {
          return Optional.of("the spinning thread does not get on");
        }
        LockSupport.parkNanos(100_000);
      }
      String complaints = report.complaints(options.containsKey("storm"));
      return complaints.isEmpty() ? Optional.empty() : Optional.of(complaints);
    }

    private AtomicBoolean storm() {
      var on = new AtomicBoolean(options.containsKey("storm"));
      if (on.get()) {
        int signal = Integer.parseInt(options.get("storm"));
        Thread.ofPlatform().daemon(true).start(() -> {
          for (int i = 0; on.get(); i++) {
            var threads = target.threads();
            for (int k = 0; k < 64 && on.get(); k++) {
              Tid to = k % 2 == 0 || threads.isEmpty() ? scenario.victim() : threads.get((i + k) % threads.size());
              Syscalls.call(Nr.TGKILL, target.leader().value(), to.value(), signal);
              LockSupport.parkNanos(300_000);
            }
          }
        });
      }
      return on;
    }

    /// @return the steps of a whole run whose name begins with `prefix`
    private List<Integer> whole(String prefix) throws SyscallException {
      var names = new ArrayList<String>();
      try (var tracer = new TracerThread()) {
        boolean ran = tracer.call(ptrace -> scenario.run(ptrace, names::add));
        if (!ran) {
          throw new AssertionError("the scenario is refused");
        }
      }
      return IntStream.range(0, names.size()).filter(i -> names.get(i).startsWith(prefix)).boxed().toList();
    }

    private boolean die(int step, String[] where) throws InterruptedException {
      var tid = new AtomicInteger();
      var steps = new AtomicInteger();
      var survived = new AtomicBoolean();
      Thread caller = Thread.ofPlatform().daemon(true).start(() -> {
        var tracer = new TracerThread();
        try {
          tracer.call(ptrace -> {
            tid.set((int) Syscalls.call(Nr.GETTID));
            return scenario.run(ptrace, name -> {
              if (name.equals("errand.slot-written")) {
                spoil();
              }
              if (steps.getAndIncrement() == step) {
                where[0] = name;
                Syscalls.call(Nr.EXIT, 0);
              }
            });
          });
        } catch (SyscallException | AssertionError e) {
          where[0] = "exception " + e;
        }
        tracer.close();
        survived.set(true);
      });
      // The caller of a vanished tracer waits for ever; only its OS thread can tell.
      Path task = Path.of("/proc/self/task");
      while (caller.isAlive()) {
        if (tid.get() != 0 && !java.nio.file.Files.exists(task.resolve(Integer.toString(tid.get())))
            && !survived.get()) {
          caller.join(5);
          break;
        }
        LockSupport.parkNanos(50_000);
      }
      return !survived.get();
    }

    /// Patches the slot that has just been written.
    private void spoil() {
      Spoil spoil = Spoil.valueOf(options.getOrDefault("spoil", "NOTHING"));
      if (spoil == Spoil.NOTHING) {
        return;
      }
      var memory = new RemoteMemory(target.leader());
      try {
        RemoteAddress vdso = new RemoteAddress(vdso());
        for (int at = 0; at < 0x4000; at += Slot.BYTES) {
          var slot = new Slot(vdso.plus(at));
          if (slot.used(memory)) {
            ParachuteCode code = ParachuteCode.CODE;
            switch (spoil) {
              // mov $39 (getpid), %eax instead of munmap; the same instead of rt_sigprocmask; no mov to rdi
              case UNMAP -> memory.writeForced(slot.at(code.unmapped() - 6), Bytes.hex("27"));
              case MASK -> memory.writeForced(slot.at(code.mask() + 1), Bytes.hex("27"));
              case RDI -> memory.writeForced(slot.at(code.masked() + 14 * 7), Bytes.hex("90909090909090"));
              case NOTHING -> { }
            }
          }
        }
      } catch (SyscallException e) {
        throw new AssertionError(e);
      }
    }

    private long vdso() {
      return target.text("maps").lines().filter(line -> line.endsWith("[vdso]"))
          .mapToLong(line -> Long.parseUnsignedLong(line.substring(0, line.indexOf('-')), 16)).findFirst()
          .orElseThrow();
    }
  }
}

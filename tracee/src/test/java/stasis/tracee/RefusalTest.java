package stasis.tracee;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.Tid;

final class RefusalTest {
  @TempDir
  private Path folder;

  private final TracerThread tracer = new TracerThread();

  @AfterEach
  void end() {
    tracer.close();
  }

  private Target guarded(String which) {
    Optional<Path> program = Programs.c(folder, "guarded");
    assumeTrue(program.isPresent(), "no gcc");
    Target target = Target.spawn(program.orElseThrow().toString(), which);
    target.until(() -> target.text("wchan").contains("nanosleep") || which.equals("compat"));
    return target;
  }

  private List<CallResult> run(Target target, RemoteCall... calls) throws Exception {
    return tracer.call(ptrace -> {
      try (FrozenGroup group = ErrandTest.frozen(ptrace, target.leader());
          Errand errand = group.errand(group.tasks().getFirst(), Deadline.after(Duration.ofSeconds(5)))) {
        return errand.run(List.of(calls));
      }
    });
  }

  private void assertAsleep(Target target) {
    target.until(() -> target.statField(3).equals("S") && target.status("TracerPid").equals("0"));
  }

  @Test
  void filterThatAllowsAllIsNoObstacle() throws Exception {
    try (Target target = guarded("allow")) {
      assertThat(run(target, RemoteCall.of(Nr.GETPID))).containsExactly(
          new CallResult.Returned(target.leader().value(), List.of()));
      assertAsleep(target);
    }
  }

  @Test
  void filterThatForbidsTheWayHomeRefusesAnyErrand() throws Exception {
    try (Target target = guarded("no-munmap")) {
      assertThatThrownBy(() -> run(target, RemoteCall.of(Nr.GETTID))).isInstanceOf(ErrandRefusedException.class)
          .hasMessageContaining("seccomp").hasMessageContaining("munmap");
      assertAsleep(target);
    }
  }

  @Test
  void filterThatForbidsACallRefusesThatCallAlone() throws Exception {
    try (Target target = guarded("no-getpid")) {
      assertThatThrownBy(() -> run(target, RemoteCall.of(Nr.GETTID), RemoteCall.of(Nr.GETPID)))
          .isInstanceOf(ErrandRefusedException.class).hasMessageContaining("getpid");
      assertAsleep(target);
      assertThat(run(target, RemoteCall.of(Nr.GETTID))).allMatch(result -> result instanceof CallResult.Returned);
      assertAsleep(target);
    }
  }

  @Test
  void syscallUserDispatchIsRefused() throws Exception {
    try (Target target = guarded("dispatch")) {
      Optional<SyscallUserDispatch> told = tracer.call(ptrace -> {
        try (FrozenGroup _ = ErrandTest.frozen(ptrace, target.leader())) {
          return ptrace.syscallUserDispatch(target.leader());
        }
      });
      assumeTrue(told.isPresent(), "needs PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG (Linux 6.4)");
      assertThatThrownBy(() -> run(target, RemoteCall.of(Nr.GETTID))).isInstanceOf(ErrandRefusedException.class)
          .hasMessageContaining("syscall user dispatch");
      assertAsleep(target);
    }
  }

  @Test
  void taskIn32BitCodeIsRefused() throws Exception {
    try (Target target = guarded("compat")) {
      target.until(() -> {
        try {
          return tracer.call(ptrace -> {
            try (FrozenGroup group = ErrandTest.frozen(ptrace, target.leader())) {
              return group.tasks().getFirst().registers().get(Registers.Name.CS) == 0x23;
            }
          });
        } catch (stasis.linux.abi.SyscallException e) {
          throw new AssertionError(e);
        }
      });
      assertThatThrownBy(() -> run(target, RemoteCall.of(Nr.GETTID))).isInstanceOf(ErrandRefusedException.class)
          .hasMessageContaining("32-bit");
      target.until(() -> target.statField(3).equals("R"));
    }
  }

  @Test
  void errandInsideARestartableSequenceGoesOnAtItsAbortHandler() throws Exception {
    Optional<Path> program = Programs.c(folder, "sequence");
    assumeTrue(program.isPresent(), "no gcc");
    Path file = folder.resolve("words");
    try (Target target = Target.spawn(program.orElseThrow().toString(), file.toString())) {
      target.until(() -> word(file, 3) + word(file, 4) > 0);
      Tid tid = target.leader();
      boolean met = false;
      for (int i = 0; i < 200 && !met; i++) {
        met = tracer.call(ptrace -> {
          try (FrozenGroup group = ErrandTest.frozen(ptrace, tid)) {
            RemoteAddress rip = group.tasks().getFirst().registers().rip();
            boolean inside = rip.bits() >= word(file, 0) && rip.bits() < word(file, 1);
            try (Errand errand = group.errand(group.tasks().getFirst(), Deadline.after(Duration.ofSeconds(5)))) {
              errand.run(List.of(RemoteCall.of(Nr.GETTID)));
            }
            assertThat(ptrace.registers(tid).rip()).isEqualTo(inside ? new RemoteAddress(word(file, 2)) : rip);
            return inside;
          }
        });
      }
      assertThat(met).isTrue();
      long aborts = word(file, 4);
      long commits = word(file, 3);
      target.until(() -> word(file, 4) > aborts || word(file, 3) > commits);
    }
  }

  private static long word(Path file, int index) {
    try {
      byte[] content = Files.readAllBytes(file);
      return content.length < 4096 ? 0
          : ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN).getLong(index * 8);
    } catch (IOException e) {
      return 0;
    }
  }

  /// As after a kill: the group is stopped by SIGSTOP, so its thread stays in the slot until the next tracer comes.
  @Test
  void nextTracerBringsAThreadHomeThatAKilledOneLeftInASlot() throws Exception {
    try (Target target = Target.sleeping()) {
      String maps = target.text("maps");
      String blocked = target.status("SigBlk");
      target.signal(19);
      target.until(() -> target.statField(3).equals("T"));
      Registers[] first = new Registers[1];
      try (var dying = new TracerThread()) {
        assertThatThrownBy(() -> dying.call(ptrace -> {
          var frozen = (FrozenGroup.Outcome.Frozen) FrozenGroup.freeze(ptrace, target.leader(),
              Deadline.after(Duration.ofSeconds(5)), name -> {
                if (name.equals("errand.calls-written")) {
                  throw new IllegalStateException("killed");
                }
              });
          first[0] = frozen.group().tasks().getFirst().registers();
          return frozen.group().errand(frozen.group().tasks().getFirst(), Deadline.after(Duration.ofSeconds(5)))
              .run(List.of(RemoteCall.of(Nr.GETPID)));
        })).hasMessage("killed");
      }
      target.until(() -> target.status("TracerPid").equals("0") && target.statField(3).equals("T"));
      assertThat(target.status("SigBlk")).isNotEqualTo(blocked);
      Registers home = tracer.call(ptrace -> {
        try (FrozenGroup group = ErrandTest.frozen(ptrace, target.leader())) {
          return group.tasks().getFirst().registers();
        }
      });
      assertThat(home).isEqualTo(RestartRules.continuation(first[0]));
      assertThat(target.status("SigBlk")).isEqualTo(blocked);
      assertThat(target.text("maps")).isEqualTo(maps);
      target.signal(18);
      assertAsleep(target);
    }
  }

  @Test
  void filterIsRunOnWhatIsKnownOfACall() {
    // A = nr; nr == 39 ? ALLOW : ERRNO
    var onlyGetpid = new SeccompFilter(program("20000000 00000000", "15000001 27000000", "06000000 0000ff7f",
        "06000000 01000500"));
    assertThat(onlyGetpid.allows(call(39, 0))).isTrue();
    assertThat(onlyGetpid.allows(call(40, 0))).isFalse();
    // A = low word of argument 0; A == 5 ? ERRNO : ALLOW
    var notFive = new SeccompFilter(program("20000000 10000000", "15000001 05000000", "06000000 01000500",
        "06000000 0000ff7f"));
    assertThat(notFive.allows(call(1, 0))).isTrue();
    assertThat(notFive.allows(call(1, 5))).isFalse();
    assertThat(notFive.allows(new SeccompFilter.Call(1, 0, 0, List.of(0L), 0xffff & ~(3 << 4)))).isFalse();
    // returns A, loaded from an unknown argument
    var returnsA = new SeccompFilter(program("20000000 10000000", "16000000 00000000"));
    assertThat(returnsA.allows(call(1, 0x7fff0000))).isTrue();
    assertThat(returnsA.allows(new SeccompFilter.Call(1, 0, 0, List.of(0x7fff0000L), 0xffff & ~(3 << 4)))).isFalse();
    assertThat(new SeccompFilter(program("00000000 00000000")).allows(call(1, 0))).isFalse(); // runs off its end
  }

  private static SeccompFilter.Call call(int number, long argument) {
    return new SeccompFilter.Call(number, 0xc000003e, 0, List.of(argument), 0xffff);
  }

  private static Bytes program(String... instructions) {
    return Bytes.hex(String.join("", instructions).replace(" ", ""));
  }
}

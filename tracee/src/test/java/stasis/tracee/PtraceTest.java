package stasis.tracee;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.SparseBytes;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;

final class PtraceTest {
  private final TracerThread tracer = new TracerThread();
  private final Target target = Target.sleeping();
  private final Tid tid = target.leader();

  @AfterEach
  void letGo() {
    tracer.close();
    target.close();
  }

  private Stop interrupted(Ptrace ptrace) throws SyscallException {
    ptrace.seize(tid, 0);
    ptrace.interrupt(tid);
    return ptrace.await(tid, Deadline.after(Duration.ofSeconds(5))).orElseThrow();
  }

  @Test
  void interruptedTaskStopsInItsSyscallWithARestartCode() throws SyscallException {
    Registers registers = tracer.call(ptrace -> {
      assertThat(interrupted(ptrace)).isEqualTo(new Stop.EventStop(tid, Stop.PTRACE_EVENT_STOP));
      return ptrace.registers(tid);
    });
    assertThat(registers.origRax()).isEqualTo(Nr.CLOCK_NANOSLEEP.on(stasis.linux.abi.Arch.X86_64));
    assertThat(registers.rax()).isEqualTo(-Errno.ERESTART_RESTARTBLOCK.number());
  }

  @Test
  void registersMaskAndXsaveReadBackAsWritten() throws SyscallException {
    tracer.call(ptrace -> {
      interrupted(ptrace);
      Registers before = ptrace.registers(tid);
      ptrace.setRegisters(tid, before.with(Registers.Name.R15, 42));
      assertThat(ptrace.registers(tid)).isEqualTo(before.with(Registers.Name.R15, 42));
      ptrace.setRegisters(tid, before);
      ptrace.setSignalMask(tid, new SigSet(0x200));
      assertThat(ptrace.signalMask(tid)).isEqualTo(new SigSet(0x200));
      SparseBytes area = ptrace.xsave(tid);
      assertThat(area.length()).isGreaterThanOrEqualTo(576);
      ptrace.setXsave(tid, area);
      assertThat(ptrace.xsave(tid)).isEqualTo(area);
      Bytes ofLess = area.whole().slice(0, 576).withU64(512, area.u64(512) & 3);
      ptrace.setXsave(tid, SparseBytes.of(ofLess));
      assertThat(ptrace.xsave(tid).whole().slice(576, area.length() - 576)).isEqualTo(Bytes.zeros(area.length() - 576));
      ptrace.setXsave(tid, area);
      assertThat(ptrace.xsave(tid)).isEqualTo(area);
      ptrace.detach(tid, 0);
      return tid;
    });
  }

  @Test
  void memoryIsReadAndWrittenAndForcedWhereTheTaskMayNotWrite() throws SyscallException {
    tracer.call(ptrace -> {
      interrupted(ptrace);
      RemoteMemory memory = new RemoteMemory(tid);
      Registers registers = ptrace.registers(tid);
      RemoteAddress below = registers.rsp().plus(-4096);
      memory.write(below, Bytes.hex("0102030405"));
      assertThat(memory.read(below, 5)).isEqualTo(Bytes.hex("0102030405"));
      RemoteAddress code = registers.rip().plus(-2);
      assertThat(memory.read(code, 2)).isEqualTo(Machine.of(stasis.linux.abi.Arch.X86_64).syscallInstruction());
      assertThatThrownBy(() -> memory.write(code, Bytes.hex("9090"))).isInstanceOf(SyscallException.class);
      memory.writeForced(code, Bytes.hex("0f05"));
      ptrace.detach(tid, 0);
      return tid;
    });
  }

  @Test
  void wordsCanBeWrittenToCodeWhereProcMemMayNot() throws SyscallException {
    tracer.call(ptrace -> {
      interrupted(ptrace);
      RemoteAddress code = ptrace.registers(tid).rip().plus(-8);
      long word = new RemoteMemory(tid).readU64(code);
      ptrace.poke(tid, code, ~word);
      assertThat(new RemoteMemory(tid).readU64(code)).isEqualTo(~word);
      ptrace.poke(tid, code, word);
      ptrace.detach(tid, 0);
      return tid;
    });
  }

  @Test
  void readingUnmappedMemoryNamesTheAddress() {
    assertThatThrownBy(() -> new RemoteMemory(tid).read(new RemoteAddress(0x1000), 8))
        .isInstanceOf(SyscallException.class).hasMessageContaining("0x1000");
  }

  @Test
  void pendingSignalsAreShownWithoutBeingTaken() throws SyscallException {
    tracer.call(ptrace -> {
      interrupted(ptrace);
      ptrace.setSignalMask(tid, new SigSet(1L << 9));
      target.signal(10);
      assertThat(ptrace.pending(tid, Ptrace.Queue.PRIVATE)).isEmpty();
      assertThat(ptrace.pending(tid, Ptrace.Queue.SHARED)).hasSize(1).allMatch(info -> info.u32(0) == 10);
      assertThat(ptrace.pending(tid, Ptrace.Queue.SHARED)).hasSize(1);
      return tid;
    });
  }

  @Test
  void syscallUserDispatchOfAProgramThatHasNoneIsOff() throws SyscallException {
    Optional<SyscallUserDispatch> found = tracer.call(ptrace -> {
      interrupted(ptrace);
      return ptrace.syscallUserDispatch(tid);
    });
    assumeTrue(found.isPresent(), "needs PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG (Linux 6.4)");
    assertThat(found).hasValueSatisfying(config -> assertThat(config.on()).isFalse());
  }

  @Test
  void rseqAreaOfAGlibcProgramIsShown() throws SyscallException {
    RseqConfiguration rseq = tracer.call(ptrace -> {
      interrupted(ptrace);
      return ptrace.rseq(tid).orElseThrow();
    });
    assertThat(rseq.registered()).isTrue();
    assertThat(rseq.signature()).isEqualTo(0x53053053);
  }

  @Test
  void uncheckedThrowableEndsTheTies() throws SyscallException {
    tracer.call(this::interrupted);
    assertThat(target.status("TracerPid")).isNotEqualTo("0");
    assertThatThrownBy(() -> tracer.call(_ -> {
      throw new IllegalArgumentException("ours");
    })).isInstanceOf(IllegalArgumentException.class);
    target.until(() -> target.status("TracerPid").equals("0"));
    assertThatThrownBy(() -> tracer.call(_ -> 1)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void exceptionAboutOneTaskKeepsTheTiesToOthers() throws SyscallException {
    tracer.call(this::interrupted);
    assertThatThrownBy(() -> tracer.call(ptrace -> ptrace.registers(new Tid(1))))
        .isInstanceOf(SyscallException.class).hasMessageContaining("ESRCH");
    assertThat(tracer.<Stop, SyscallException>call(ptrace -> {
      ptrace.detach(tid, 0);
      return new Stop.Exited(tid, 0);
    })).isNotNull();
  }

  @Test
  void stopsAreDecodedFromWaitStatus() {
    assertThat(Stop.decode(tid, 0x0300)).isEqualTo(new Stop.Exited(tid, 3));
    assertThat(Stop.decode(tid, 0x89)).isEqualTo(new Stop.Killed(tid, 9));
    assertThat(Stop.decode(tid, 0x857f)).isEqualTo(new Stop.SyscallStop(tid));
    assertThat(Stop.decode(tid, 0x0a7f)).isEqualTo(new Stop.SignalDelivery(tid, 10));
    assertThat(Stop.decode(tid, 0x80057f)).isEqualTo(new Stop.EventStop(tid, 128));
    assertThat(Stop.decode(tid, 0x80137f)).isEqualTo(new Stop.GroupStop(tid, 19));
    assertThat(Stop.decode(tid, 0x03057f)).isEqualTo(new Stop.EventStop(tid, Ptrace.PTRACE_EVENT_CLONE));
  }
}

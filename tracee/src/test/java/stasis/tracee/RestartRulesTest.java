package stasis.tracee;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;

final class RestartRulesTest {
  private static Registers stopped(long number, long rax) {
    return Registers.of(Bytes.zeros(Registers.BYTES)).withOrigRax(number).withRax(rax)
        .withRip(new RemoteAddress(0x1002)).with(Registers.Name.RDI, 7);
  }

  @Test
  void restartCodesRepeatTheCallAndTheRestartBlockIsContinued() {
    for (long code : new long[] {-512, -513, -514}) {
      assertThat(RestartRules.continuation(stopped(0, code)))
          .isEqualTo(stopped(0, 0).withRip(new RemoteAddress(0x1000)).withOrigRax(-1));
    }
    assertThat(RestartRules.continuation(stopped(35, -516)))
        .isEqualTo(stopped(35, 219).withRip(new RemoteAddress(0x1000)).withOrigRax(-1));
  }

  @Test
  void resultsAndUserCodeAreLeftAlone() {
    assertThat(RestartRules.continuation(stopped(0, -4))).isEqualTo(stopped(-1, -4));
    assertThat(RestartRules.continuation(stopped(-1, -512))).isEqualTo(stopped(-1, -512));
  }

  @Test
  void onlyCallsThatGiveUpForAnyStopAreRepaired() {
    assertThat(RestartRules.repaired(stopped(232, -4), _ -> false).rax()).isEqualTo(-514);
    assertThat(RestartRules.repaired(stopped(128, -4), _ -> false).rax()).isEqualTo(-514);
    assertThat(RestartRules.repaired(stopped(0, -4), _ -> false).rax()).isEqualTo(-4);
    assertThat(RestartRules.repaired(stopped(0, -4), fd -> fd == 7).rax()).isEqualTo(-514);
    assertThat(RestartRules.repaired(stopped(3, -4), _ -> true).rax()).isEqualTo(-4);
    assertThat(RestartRules.repaired(stopped(-1, -4), _ -> true).rax()).isEqualTo(-4);
  }

  @Test
  void restoredSleepIsArmedAgainWithWhatRemains() {
    var block = new RestartBlock.Sleep(1, new RemoteAddress(0x77), 5);
    assertThat(RestartRules.restored(stopped(35, -516), Optional.of(block), 2_000_000_003L)).isEqualTo(
        new Continuation.Rearm(230, List.of(new RemoteArg.Imm(1), new RemoteArg.Imm(0),
            new RemoteArg.In(Bytes.ofU64(2, 3)), new RemoteArg.Imm(0x77)), stopped(35, -516)));
    assertThat(RestartRules.restored(stopped(7, -516), Optional.of(new RestartBlock.Poll(new RemoteAddress(9), 2, 1)),
        1_500_001)).isEqualTo(new Continuation.Rearm(7, List.of(new RemoteArg.Imm(9), new RemoteArg.Imm(2),
            new RemoteArg.Imm(2)), stopped(7, -516)));
  }

  @Test
  void restoredSleepWithoutItsBlockWaitsItsWholeTimeOrGivesEintr() {
    assertThat(RestartRules.restored(stopped(35, -516), Optional.empty(), 0))
        .isEqualTo(new Continuation.Resume(stopped(35, -514), false));
    assertThat(RestartRules.restored(stopped(219, -516), Optional.empty(), 0))
        .isEqualTo(new Continuation.Resume(stopped(219, -4), false));
    assertThat(RestartRules.restored(stopped(0, -512), Optional.empty(), 0))
        .isEqualTo(new Continuation.Resume(stopped(0, -512), true));
  }

  @Test
  void restartBlockIsReadByTheFunctionItNames() {
    Bytes sleep = Bytes.zeros(56).withU32(16, 1).withU32(20, 1).withU64(24, 0x1234).withU64(32, 99);
    assertThat(RestartBlock.parse("hrtimer_nanosleep_restart", sleep))
        .contains(new RestartBlock.Sleep(1, new RemoteAddress(0x1234), 99));
    assertThat(RestartBlock.parse("do_restart_poll",
        Bytes.zeros(56).withU64(16, 5).withU32(24, 3).withU32(28, 1).withU64(32, 2).withU64(40, 7)))
        .contains(new RestartBlock.Poll(new RemoteAddress(5), 3, 2_000_000_007L));
    assertThat(RestartBlock.parse("do_no_restart_syscall", Bytes.zeros(56))).isEmpty();
  }

  @Test
  void registersInsideASequenceAreMovedToItsAbortHandler() {
    var section = new RseqSection(new RemoteAddress(0x1000), 0x10, new RemoteAddress(0x2000));
    assertThat(section.leave(stopped(-1, 0)).rip()).isEqualTo(new RemoteAddress(0x2000));
    assertThat(section.leave(stopped(-1, 0).withRip(new RemoteAddress(0x1010))).rip())
        .isEqualTo(new RemoteAddress(0x1010));
  }
}

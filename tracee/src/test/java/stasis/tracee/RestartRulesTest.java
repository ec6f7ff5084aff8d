package stasis.tracee;

import static org.assertj.core.api.Assertions.assertThat;

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
  void registersInsideASequenceAreMovedToItsAbortHandler() {
    var section = new RseqSection(new RemoteAddress(0x1000), 0x10, new RemoteAddress(0x2000));
    assertThat(section.leave(stopped(-1, 0)).rip()).isEqualTo(new RemoteAddress(0x2000));
    assertThat(section.leave(stopped(-1, 0).withRip(new RemoteAddress(0x1010))).rip())
        .isEqualTo(new RemoteAddress(0x1010));
  }
}

package stasis.procfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.Tid;

/// Reads the recording of `src/test/c/odd.c`, made by `bin/record-proc` on Linux 6.18.
class RecordedTaskTest {
  private static final Tid PID = new Tid(21076);
  private static final Tid THREAD = new Tid(21081);
  private final Proc proc = new Proc(Path.of("src/test/recorded"));
  private final ProcTask task = proc.task(PID);

  private Vma named(String end) throws ProcException {
    return task.maps().vmas().stream().filter(vma -> vma.name().endsWith(end)).findFirst().orElseThrow();
  }

  @Test
  void everyThreadIsListed() throws Exception {
    assertThat(task.threads()).containsExactly(PID, THREAD);
    assertThat(proc.tgids()).containsExactly(PID);
    assertThat(task.thread(PID).children()).isEmpty();
  }

  @Test
  void commWithParenthesisNewlineAndBackslashIsOneNameInAllThreeFiles() throws Exception {
    assertThat(task.status().name()).isEqualTo("a) b\n\\c");
    assertThat(task.stat().comm()).isEqualTo("a) b\n\\c");
    assertThat(task.comm()).isEqualTo(Bytes.of("a) b\n\\c".getBytes(java.nio.charset.StandardCharsets.ISO_8859_1)));
    assertThat(task.thread(THREAD).stat().comm()).isEqualTo("t) S 1 (x");
    assertThat(task.thread(THREAD).stat().pid()).isEqualTo(THREAD.value());
  }

  @Test
  void statFieldsHaveTheNumbersOfTheManualPage() throws Exception {
    Stat stat = task.stat();
    assertThat(stat.state()).isEqualTo('S');
    assertThat(stat.pgrp()).isEqualTo(PID.value());
    assertThat(stat.threads()).isEqualTo(2);
    assertThat(stat.rssLimit()).isEqualTo(-1L);
    assertThat(stat.exitSignal()).isEqualTo(17);
    assertThat(stat.argStart()).isLessThan(stat.argEnd());
    assertThat(stat.numbers()).hasSize(49);
  }

  @Test
  void pendingSignalsOfTheGroupAndTheThreadAreApart() throws Exception {
    Status status = task.status();
    assertThat(status.sharedPending().contains(10)).isTrue();
    assertThat(status.pending().bits()).isZero();
    assertThat(status.blocked().contains(64)).isTrue();
    assertThat(status.ignored().contains(1)).isTrue();
    assertThat(status.caught().contains(12)).isTrue();
    assertThat(status.nsPid()).containsExactly((long) PID.value());
    assertThat(status.umask()).contains(022);
    assertThat(status.uid()).isEqualTo(new Status.Ids(0, 0, 0, 0));
    assertThat(status.kib("VmLck")).contains(32L);
    assertThat(status.kib("VmNothing")).isEmpty();
    assertThat(status.thpEnabled()).contains(true);
  }

  @Test
  void mappedFileNamesComeBackAsBytesAndDoubtfulOnesSaySo() throws Exception {
    assertThat(named("line (deleted)").path()).contains(PathBytes.of("/tmp/odd/new\nline"));
    assertThat(named("line (deleted)").isAmbiguous()).isTrue();
    Vma latin = named("caf\u00e9 \u00ff");
    assertThat(latin.path()).contains(PathBytes.of("/tmp/odd/caf\u00e9 \u00ff"));
    assertThat(latin.isAmbiguous()).isFalse();
    assertThat(latin.shared()).isTrue();
    assertThat(latin.isAnonymous()).isFalse();
    assertThat(named("/memfd:memory (deleted)").isDeleted()).isTrue();
  }

  @Test
  void theKernelsOwnMappingsAreSpecialAndNotAnonymous() throws Exception {
    assertThat(task.maps().vmas().stream().filter(Vma::isSpecial).map(Vma::name))
        .containsExactly("[vvar]", "[vvar_vclock]", "[vdso]", "[vsyscall]");
    assertThat(task.maps().vmas().stream().filter(Vma::isSpecial).anyMatch(Vma::isAnonymous)).isFalse();
    assertThat(named("[stack]").isAnonymous()).isTrue();
    assertThat(named("[vsyscall]").end()).isEqualTo(0xffffffffff601000L);
  }

  @Test
  void anAddressFindsItsVmaAlsoAboveTheSignBit() throws Exception {
    Maps maps = task.maps();
    for (Vma vma : maps.vmas()) {
      assertThat(maps.at(vma.address())).contains(vma);
      assertThat(maps.at(vma.address().plus(vma.lengthBytes() - 1))).contains(vma);
    }
    assertThat(maps.at(maps.vmas().getFirst().address().plus(-1))).isEmpty();
    assertThat(maps.at(maps.vmas().getLast().address().plus(4096))).isEmpty();
  }

  @Test
  void smapsHasTheVmasOfMapsWithEveryAdviceAsAFlag() throws Exception {
    Smaps smaps = task.smaps();
    assertThat(smaps.maps()).isEqualTo(task.maps());
    for (VmFlag flag : List.of(VmFlag.DC, VmFlag.WF, VmFlag.DD, VmFlag.NH, VmFlag.NR, VmFlag.GD, VmFlag.LF,
        VmFlag.LO, VmFlag.GU, VmFlag.SH)) {
      assertThat(smaps.entries()).as(flag.code()).anyMatch(entry -> entry.flags().has(flag));
    }
    assertThat(smaps.entries()).allMatch(entry -> entry.flags().unknown().isEmpty());
    assertThat(smaps.entries()).allMatch(entry -> entry.kernelPageSizeKib() == 4);
    assertThat(smaps.entries().stream().mapToLong(Smaps.Entry::lockedKib).sum()).isEqualTo(16);
    assertThat(smaps.entries()).allMatch(entry -> entry.protectionKey().isEmpty());
  }

  @Test
  void repeatedLinesOfAnEpollAndAnInotifyAreAllKept() throws Exception {
    assertThat(task.fdInfo(new Fd(7)).epollTargets()).containsExactly(
        new FdInfo.EpollTarget(10, 0x1c, 0x1122334455667788L, 0, 0xb771, new Device(0, 15)),
        new FdInfo.EpollTarget(8, 0x80000019, 0x1122334455667788L, 0, 0x40e, new Device(0, 16)));
    assertThat(task.fdInfo(new Fd(11)).inotifyWatches()).extracting(FdInfo.InotifyWatch::wd).containsExactly(2, 1);
    assertThat(task.fdInfo(new Fd(11)).inotifyWatches()).allMatch(watch -> watch.device().major() == 254);
    assertThat(task.fdInfo(new Fd(11)).inotifyWatches()).allMatch(watch -> watch.handleHex().length() == 16);
  }

  @Test
  void fdinfoGivesOffsetFlagsCountersAndTimes() throws Exception {
    FdInfo file = task.fdInfo(new Fd(3));
    assertThat(file.pos()).isEqualTo(4321);
    assertThat(file.flags()).isEqualTo(0100002);
    assertThat(file.closeOnExec()).isFalse();
    assertThat(task.fdInfo(new Fd(9)).closeOnExec()).isTrue();
    assertThat(task.fdInfo(new Fd(8)).hex("eventfd-count")).isEqualTo(3);
    assertThat(task.fdInfo(new Fd(8)).decimal("eventfd-semaphore")).isEqualTo(1);
    assertThat(task.fdInfo(new Fd(12)).hex("sigmask")).isEqualTo(0x8000000000000200L);
    assertThat(task.fdInfo(new Fd(13)).time("it_interval")).isEqualTo(Duration.ofSeconds(5, 7));
    assertThatThrownBy(() -> file.hex("sigmask")).isInstanceOf(ProcFormatException.class)
        .hasMessageContaining("sigmask");
  }

  @Test
  void locksOfBothKindsStandAtTheirFile() throws Exception {
    assertThat(task.fdInfo(new Fd(3)).locks()).hasSize(2);
    Locks.Lock flock = task.fdInfo(new Fd(3)).locks().getFirst();
    assertThat(flock.kind()).isEqualTo("FLOCK");
    assertThat(flock.last()).isEqualTo(Locks.Lock.END);
    Locks.Lock posix = task.fdInfo(new Fd(3)).locks().getLast();
    assertThat(List.of(posix.first(), posix.last())).containsExactly(10L, 29L);
    assertThat(posix.owner()).isEqualTo(PID.value());
  }

  @Test
  void timersKeepTheirClockEvenIfItIsACpuClock() throws Exception {
    assertThat(task.timers().list()).containsExactly(
        new Timers.Timer(2, 12, 0x1234, "signal", PID.value(), true, -6),
        new Timers.Timer(1, 0, 0x1234, "none", PID.value(), false, 0),
        new Timers.Timer(0, 10, 0x1234, "signal", PID.value(), false, 1));
  }

  @Test
  void limitsAuxvNumbersAndNamespacesAreRead() throws Exception {
    assertThat(task.limits().of(Limits.Resource.NOFILE).hard()).isPositive();
    assertThat(task.limits().of(Limits.Resource.CPU)).isEqualTo(new Limits.Limit(Limits.Limit.INFINITY, -1));
    assertThat(task.limits().byResource()).hasSize(16);
    assertThat(task.auxv().value(Auxv.AT_SYSINFO_EHDR))
        .hasValue(task.maps().special("[vdso]").orElseThrow().start());
    assertThat(task.timerSlackNs()).isEqualTo(50_000);
    assertThat(task.coredumpFilter()).isEqualTo(0x33);
    assertThat(task.personality()).isZero();
    assertThat(task.oomScoreAdj()).isZero();
    assertThat(task.sched().execStartNs().orElseThrow()).isPositive();
    assertThat(task.namespaces().inode("pid_for_children")).contains(4026531836L);
    assertThat(task.namespaces().inodeByKind()).hasSize(10);
  }

  @Test
  void numaPolicyIsReadPerVma() throws Exception {
    NumaMaps numa = task.numaMaps();
    assertThat(numa.entries()).anyMatch(entry -> entry.policy().equals("bind:0"));
    assertThat(numa.entries()).anyMatch(entry -> entry.file().equals(Optional.of("/tmp/odd/new\nline (deleted)")));
    assertThat(numa.entries()).anyMatch(entry -> entry.pagesByNode().getOrDefault(0, 0L) > 0);
    assertThat(task.numaPolicies()).isNotEmpty().doesNotContainValue("default").containsValue("bind:0");
  }
}

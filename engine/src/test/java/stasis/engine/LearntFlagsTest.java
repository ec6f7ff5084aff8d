package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.bpf.HiddenState;
import stasis.linux.bpf.KernelVma;
import stasis.procfs.Maps;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.procfs.Smaps;

/// Vmas described by maps and the kernel's own words are those that smaps describes; what was not learnt is not guessed.
class LearntFlagsTest {
  private static final Path PYTHON = Path.of("/usr/bin/env");
  /// Advice by number (madvise(2)): DONTFORK, DONTDUMP, WIPEONFORK, MERGEABLE, NOHUGEPAGE, RANDOM, SEQUENTIAL; at each
  /// line one more mapping gets one more.
  private static final String TARGET = """
      import mmap, os, sys
      # More than a kernel tells at once.
      kept = [mmap.mmap(-1, 1 << 12, prot=1 + 2 * (i % 2)) for i in range(3000)]
      for advice in (0, 10, 16, 18, 12, 15, 1, 2):
          area = mmap.mmap(-1, 1 << 16, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
          area.madvise(advice)
          kept.append(area)
          print('ready', flush=True)
          sys.stdin.readline()
      """;
  private static final long READ_WRITE = 3;
  private static final long HUGE_ADVISED = 5;

  private final LearntFlags flags = new LearntFlags();

  private static String line(String range, String rights) {
    return range + " " + rights + " 00000000 00:00 0 \n";
  }

  private static String entry(String range, String rights, String codes) {
    return line(range, rights) + "KernelPageSize:        4 kB\nProtectionKey:         0\nVmFlags: " + codes + " \n";
  }

  private void learn(long word, String codes) {
    flags.learn(Smaps.parse(entry("1000-2000", "rw-p", codes)), List.of(new KernelVma(0x1000, 0x2000, word, false)));
  }

  private boolean knows(String maps, KernelVma... words) {
    return flags.describe(Maps.parse(maps), List.of(words)).isPresent();
  }

  @Test
  void aWordThatWasNotSeenIsNotGuessed() {
    learn(READ_WRITE, "rd wr mr mw me ac");
    assertThat(knows(line("5000-6000", "rw-p"), new KernelVma(0x5000, 0x6000, READ_WRITE, false))).isTrue();
    assertThat(knows(line("5000-6000", "rw-p"), new KernelVma(0x5000, 0x6000, READ_WRITE | 8, false))).isFalse();
  }

  @Test
  void aWordThatWasSeenWithTwoMeaningsHasNone() {
    learn(READ_WRITE, "rd wr mr mw me ac");
    learn(READ_WRITE, "rd wr mr mw me ac dc");
    learn(READ_WRITE, "rd wr mr mw me ac");
    assertThat(knows(line("5000-6000", "rw-p"), new KernelVma(0x5000, 0x6000, READ_WRITE, false))).isFalse();
  }

  @Test
  void hugePagesAreForSmapsToTell() {
    learn(READ_WRITE, "rd wr mr mw me ac");
    learn(HUGE_ADVISED, "rd wr mr mw me ac hg");
    assertThat(knows(line("5000-6000", "rw-p") + line("8000-9000", "rw-p"),
        new KernelVma(0x5000, 0x6000, READ_WRITE, false), new KernelVma(0x8000, 0x9000, HUGE_ADVISED, false))).isFalse();
  }

  @Test
  void mapsAndWordsThatDoNotAgreeAreNotBelieved() {
    learn(READ_WRITE, "rd wr mr mw me ac");
    KernelVma word = new KernelVma(0x5000, 0x6000, READ_WRITE, false);
    assertThat(knows(line("5000-7000", "rw-p"), word)).isFalse();
    assertThat(knows(line("5000-6000", "rw-p") + line("7000-8000", "rw-p"), word)).isFalse();
    assertThat(knows("", word)).isFalse();
    assertThat(knows(line("5000-6000", "rw-p") + "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n",
        word)).as("the vsyscall page is nobody's").isTrue();
  }

  @Test
  void ofARealProgramTheyAreWhatSmapsSays() throws IOException, InterruptedException, SyscallException, ProcException {
    assumeTrue(Files.isExecutable(PYTHON), "needs python3");
    HiddenState.Opened opened = HiddenState.open();
    assumeTrue(opened instanceof HiddenState.Opened.Ready, () -> "needs BPF: " + opened);
    Process target = new ProcessBuilder(PYTHON.toString(), "python3", "-c", TARGET)
        .redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try (HiddenState state = ((HiddenState.Opened.Ready) opened).state(); BufferedReader out = target.inputReader()) {
      Tid pid = new Tid((int) target.pid());
      int compared = 0;
      int learnt = 0;
      // It waits for our next line: nothing of its memory changes meanwhile.
      for (String ready = out.readLine(); ready != null; ready = out.readLine()) {
        ProcTask proc = Proc.live().task(pid);
        Smaps smaps = proc.smaps();
        List<KernelVma> words = state.vmas(pid);
        Map<Long, KernelVma> byStart = LearntFlags.byStart(words);
        List<VmaFacts> told = smaps.entries().stream()
            .filter(entry -> !entry.vma().name().equals(MappingCollector.VSYSCALL))
            .map(entry -> VmaFacts.of(entry, Optional.ofNullable(byStart.get(entry.vma().start())))).toList();
        assertThat(words).extracting(KernelVma::start).isEqualTo(told.stream().map(vma -> vma.vma().start()).toList());
        var known = flags.describe(proc.maps(), words);
        if (known.isEmpty()) {
          flags.learn(smaps, words);
          learnt++;
          known = flags.describe(proc.maps(), words);
        }
        assertThat(known).as(() -> "words " + words.stream().map(word -> Long.toHexString(word.flags()))
            .collect(Collectors.joining(" "))).hasValue(told);
        compared++;
        target.outputWriter().append('\n').flush();
      }
      assertThat(compared).isEqualTo(8);
      assertThat(learnt).as("each brings a word that is new").isEqualTo(8);
    } finally {
      target.destroyForcibly().waitFor();
    }
  }
}

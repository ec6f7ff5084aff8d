package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.live.Shell.Run;

/// A start-up image of the real engine: what it does is what the ordinary command does, and where it is not made for
/// what is asked it becomes that.
final class WarmStartTest {
  /// A word that only a process from the image knows.
  private static final String AWAKE = "awake";
  private static final int USAGE = 2;
  /// With it there is no ordinary command to become: what is done is done by the image.
  private static final Map<String, String> ALONE = Map.of("STASIS_JAVA_HOME", "/nonexistent");

  @TempDir private static Path common = Path.of("");
  private static Path image = Path.of("");
  private static Path checkout = Path.of("");

  private final List<Long> started = new ArrayList<>();
  @TempDir private Path folder = Path.of("");

  @BeforeAll
  static void theImageIsMade() throws IOException, InterruptedException {
    Shell.assumeBuilt();
    assumeTrue("root".equals(System.getProperty("user.name")), "needs CAP_CHECKPOINT_RESTORE");
    image = common.resolve("start");
    aCheckoutIsThere();
    Run made = run(common, Map.of(), ordinary(List.of("warm", image.toString(), "--rounds", "2")));
    assertThat(made.status()).as(made.err()).isZero();
  }

  /// The real launcher with the real jars, and sources that may be edited.
  private static void aCheckoutIsThere() throws IOException {
    checkout = common.resolve("checkout");
    Path real = Repository.root();
    for (String file : List.of("bin/stasis", "bin/lib/jdk.sh", "bin/lib/serve.sh", "bin/lib/warm.sh")) {
      Files.createDirectories(checkout.resolve(file).getParent());
      Files.copy(real.resolve(file), checkout.resolve(file), StandardCopyOption.COPY_ATTRIBUTES);
    }
    Files.createDirectories(checkout.resolve("cli/src/main"));
    Files.writeString(checkout.resolve("cli/src/main/A.java"), "");
    Files.createDirectories(checkout.resolve("cli/target/app"));
    Files.createSymbolicLink(checkout.resolve("cli/target/app/lib"), real.resolve("cli/target/app/lib"));
    Files.writeString(checkout.resolve("cli/target/app/built"), "");
    Path maven = Files.createDirectories(checkout.resolve("tools")).resolve("mvn");
    Files.writeString(maven, "#!/bin/sh\nmkdir '" + checkout + "/cli/target/app' && ln -s '"
        + real.resolve("cli/target/app/lib") + "' '" + checkout + "/cli/target/app/lib'\n");
    Files.setPosixFilePermissions(maven, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @AfterEach
  void nothingIsLeft() {
    started.forEach(pid -> ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly));
  }

  @Test
  void aProgramGoesAndComesAsByTheOrdinaryCommand() throws IOException, InterruptedException {
    long pid = program("select undef, undef, undef, 0.05 while !-e $ARGV[0]; exit 7", folder + "/end");

    Run checkpoint = warm("checkpoint", "" + pid, "--image", "relative", "--json");
    Process restore = start(folder, ALONE, List.of(image.toString(), "restore", "relative", "--quiet", "--pidfile",
        "pid"));
    await(folder.resolve("pid"));
    Files.createFile(folder.resolve("end"));
    Run restored = end(folder, restore);

    assertThat(checkpoint.status()).as(checkpoint.err()).isZero();
    assertThat(checkpoint.out()).contains("\"outcome\": \"done\"", "\"image\": \"" + folder.resolve("relative"));
    assertThat(restored).isEqualTo(new Run(7, "", ""));
  }

  @Test
  void whatACommandNeedsNextComesAsZerosInHugePages() throws IOException, InterruptedException {
    assumeTrue(Files.exists(Path.of("/sys/kernel/mm/transparent_hugepage")), "missing: transparent huge pages");
    long pid = program("select undef, undef, undef, 0.05 while !-e $ARGV[0]", folder + "/end");
    assertThat(warm("checkpoint", "" + pid, "--image", "image", "--quiet").status()).isZero();
    Process restore = start(folder, ALONE, List.of(image.toString(), "restore", "image", "--quiet", "--pidfile",
        "pid"));
    await(folder.resolve("pid"));

    // The first is the heap's, where the JVM puts what is new: 19 MiB, of which the resting engine needs little.
    Pattern free = Pattern.compile("(?m)^\\S+ rw-p 00000000 00:00 0 *\\nSize: +(\\d+) kB\\n"
        + "(?:(?!VmFlags).*\\n)*VmFlags:.* hg ");
    List<Long> kib = free.matcher(Files.readString(Path.of("/proc/" + restore.pid() + "/smaps"))).results()
        .map(found -> Long.parseLong(found.group(1))).toList();
    Files.createFile(folder.resolve("end"));
    end(folder, restore);

    assertThat(kib).first().asInstanceOf(InstanceOfAssertFactories.LONG).isBetween(16L << 10, 20L << 10);
  }

  @Test
  void aSignalOfTheTerminalIsTheRestoredProgramsOwn() throws IOException, InterruptedException {
    long pid = program("$SIG{INT} = sub { exit 9 }; select undef, undef, undef, 0.05 while 1");
    assertThat(warm("checkpoint", "" + pid, "--image", "image", "--quiet").status()).isZero();
    Process restore = start(folder, ALONE, List.of(image.toString(), "restore", "image", "--quiet", "--pidfile",
        "pid"));
    await(folder.resolve("pid"));

    new ProcessBuilder("kill", "-INT", "" + restore.pid()).start().waitFor();

    assertThat(end(folder, restore).status()).isEqualTo(9);
  }

  @Test
  void whatGoesWrongHasTheSameWordsAndStatus() throws IOException, InterruptedException {
    List<String> words = List.of("checkpoint", "999999999", "--image", folder + "/image");
    Run ordinary = run(folder, Map.of("STASIS_WARM", "never"), ordinary(words));

    assertThat(warm(words.toArray(String[]::new))).isEqualTo(ordinary);
    assertThat(ordinary.status()).isNotZero();
  }

  @Test
  void aLineThatItIsNotMadeForIsTheOrdinaryCommands() throws IOException, InterruptedException {
    assertThat(run(folder, Map.of(), List.of(image.toString(), "--version")).out()).startsWith("stasis ");
    assertThat(warm("--version").status()).as("no ordinary command").isEqualTo(USAGE);
    assertThat(run(folder, Map.of("HOME", "/nonexistent"), List.of(image.toString(), "restore", "/nonexistent"))
        .status()).isEqualTo(125);
  }

  @Test
  void aClosedDescriptorOrChildrenThatAreIgnoredAreForAJvmThatStarts() throws IOException, InterruptedException {
    assertThat(warm(AWAKE)).isEqualTo(new Run(0, AWAKE + "\n", ""));
    assertThat(shell("\"$@\" <&-", AWAKE).status()).isEqualTo(USAGE);
    assertThat(run(folder, Map.of(), List.of("perl", "-e", "$SIG{CHLD} = 'IGNORE'; exec @ARGV", image.toString(),
        AWAKE)).status()).isEqualTo(USAGE);
  }

  @Test
  void aSignalThatIsIgnoredStaysSo() throws IOException, InterruptedException {
    long pid = program("$SIG{INT} = sub { exit 9 }; $SIG{TERM} = sub { exit 8 }; select undef, undef, undef, 0.05"
        + " while 1");
    assertThat(warm("checkpoint", "" + pid, "--image", "image", "--quiet").status()).isZero();
    Process restore = start(folder, ALONE, List.of("sh", "-c", "trap '' INT HUP; exec \"$@\"", "sh",
        image.toString(), "restore", "image", "--quiet", "--pidfile", "pid"));
    await(folder.resolve("pid"));

    new ProcessBuilder("kill", "-INT", "" + restore.pid()).start().waitFor();
    assertThat(restore.waitFor(300, TimeUnit.MILLISECONDS)).as("ended by what it ignores").isFalse();
    new ProcessBuilder("kill", "-TERM", "" + restore.pid()).start().waitFor();

    assertThat(end(folder, restore).status()).isEqualTo(8);
  }

  @Test
  void aSourceThatWasEditedIsBuiltByTheNextCommand() throws IOException, InterruptedException {
    Map<String, String> building = Map.of("STASIS_BUILD", "", "PATH", checkout.resolve("tools") + ":"
        + System.getenv("PATH"));
    List<String> command = List.of(image.toString(), "restore", "/nonexistent");
    assertThat(run(folder, building, command).err()).doesNotContain("building");

    Files.writeString(checkout.resolve("cli/src/main/A.java"), "edited");

    assertThat(warm("restore", "/nonexistent").err()).as("STASIS_BUILD=never").doesNotContain("building");
    assertThat(run(folder, building, command).err()).contains("stasis: building", "/nonexistent");
  }

  @Test
  void aFileThatIsMappedAndNoLongerTheSameAsksForAnotherImage() throws IOException, InterruptedException {
    Path own = folder.resolve("own");
    Run made = run(folder, Map.of(), ordinary(List.of("warm", own.toString(), "--rounds", "1")));
    assertThat(made.status()).as(made.err()).isZero();
    Path home = Files.createDirectories(folder.resolve("jdk/bin")).getParent();
    Files.writeString(home.resolve("release"), "JAVA_VERSION=\"25\"\n");
    Files.writeString(home.resolve("bin/java"), "#!/bin/sh\necho ordinary $STASIS_WARM\n");
    Files.setPosixFilePermissions(home.resolve("bin/java"), PosixFilePermissions.fromString("rwxr-xr-x"));
    Map<String, String> told = Map.of("STASIS_JAVA_HOME", home.toString());
    assertThat(run(folder, told, List.of(own.toString(), "--version")).out()).isEqualTo("ordinary never\n");

    Files.createLink(folder.resolve("another name"), Path.of(own + ".so"));

    assertThat(run(folder, told, List.of(own.toString(), "--version")).out()).isEqualTo("ordinary again\n");
  }

  @Test
  void whatAProgramWritesIsTrackedFromOneCommandToTheNext() throws IOException, InterruptedException {
    long pid = program("$x = 'x' x 3e7; open F, '>', $ARGV[0]; close F; select undef, undef, undef, 0.05 while 1",
        folder + "/made");
    await(folder.resolve("made"));
    String[] line = {"checkpoint", "" + pid, "--repo", "repository", "--name", "n", "--leave-running", "--json"};

    Run first = warm(with(line, "--track"));
    Run second = warm(with(line, "--track"));
    Run third = warm(with(line, "--pre-copy"));

    assertThat(first.status()).as(first.err()).isZero();
    assertThat(first.out()).contains("\"tracking\"").doesNotContain("\"since\"");
    assertThat(second.out()).contains("\"since\": \"n@1\"");
    assertThat(third.out()).contains("\"pre_copy\"");
    assertThat(third.status()).as(third.err()).isZero();
  }

  @Test
  void aLazyRestoreStaysUntilAllIsIn() throws IOException, InterruptedException {
    long pid = sizeable();
    assertThat(warm("checkpoint", "" + pid, "--image", "image", "--quiet").status()).isZero();
    Process restore = start(folder, ALONE, List.of(image.toString(), "restore", "image", "--lazy", "--json",
        "--pidfile", "pid"));
    await(folder.resolve("pid"));
    Files.createFile(folder.resolve("end"));

    Run restored = end(folder, restore);

    assertThat(restored.status()).as(restored.err()).isEqualTo(7);
    assertThat(restored.out()).contains("\"outcome\": \"filled\"");
  }

  @Test
  void aLazyRestoreThatIsDetachedLetsTheCallerGoAndServesOn() throws IOException, InterruptedException {
    long pid = sizeable();
    assertThat(warm("checkpoint", "" + pid, "--image", "image", "--quiet").status()).isZero();

    // As the launcher does it; who reads its output to the end does not wait for the server either.
    Run restore = run(folder, Map.of("STASIS_STATUS_FD", "9", "STASIS_JAVA_HOME", "/nonexistent"), List.of("sh", "-c",
        "{ status=$(exec \"$@\" 9>&1 >&7 <&6 6<&- 7>&- &); } 6<&0 7>&1; exit $status",
        "sh", image.toString(), "restore", "image", "--lazy", "--detach", "--quiet"));

    assertThat(restore).isEqualTo(new Run(0, pid + "\n", ""));
    Files.createFile(folder.resolve("end"));
    await(folder.resolve("whole"));
    await(() -> serving().isEmpty(), "the server ends with the program");
  }

  @Test
  void killedWhileItServesItTakesTheProgramWithIt() throws IOException, InterruptedException {
    long pid = program("$x = 'x' x 4e8; open F, '>', $ARGV[0]; close F; select undef, undef, undef, 0.05 while 1",
        folder + "/made");
    await(folder.resolve("made"));
    assertThat(warm("checkpoint", "" + pid, "--image", "image", "--quiet").status()).isZero();
    Process restore = start(folder, ALONE, List.of(image.toString(), "restore", "image", "--lazy", "--quiet",
        "--pidfile", "pid"));
    await(folder.resolve("pid"));

    restore.destroyForcibly();

    assertThat(end(folder, restore).status()).isEqualTo(128 + 9);
    Path program = Path.of("/proc/" + pid + "/cmdline");
    await(() -> {
      try {
        return Files.readAllBytes(program).length == 0;
      } catch (IOException e) {
        return true;
      }
    }, "the program is dead");
  }

  @Test
  void anImageThatWasCutOrWrittenToBecomesTheOrdinaryCommand() throws IOException, InterruptedException {
    Path cut = copy("cut");
    try (RandomAccessFile file = new RandomAccessFile(cut.toFile(), "rw")) {
      file.setLength(file.length() / 2);
    }
    Files.setLastModifiedTime(cut, Files.getLastModifiedTime(image));
    Path written = copy("written");
    Files.setLastModifiedTime(written, FileTime.from(Instant.now()));

    assertThat(run(folder, Map.of(), List.of(cut.toString(), AWAKE)).status()).isEqualTo(USAGE);
    assertThat(run(folder, Map.of(), List.of(written.toString(), AWAKE)).status()).isEqualTo(USAGE);
    assertThat(run(folder, Map.of(), List.of(copy("same").toString(), AWAKE)).status()).isZero();
  }

  @Test
  void killedMidwayItLeavesTheProgramRunning() throws IOException, InterruptedException {
    long pid = program("$x = 'x' x 3e7; open F, '>', $ARGV[0]; close F; select undef, undef, undef, 0.05 while 1",
        folder + "/made");
    await(folder.resolve("made"));
    for (int ms : new int[] {15, 40, 80}) {
      Process checkpoint = start(folder, Map.of(), List.of(image.toString(), "checkpoint", "" + pid, "--image",
          "image" + ms, "--quiet", "--leave-running"));
      TimeUnit.MILLISECONDS.sleep(ms);
      checkpoint.destroyForcibly();
      checkpoint.waitFor();
    }

    assertThat(Files.readString(Path.of("/proc/" + pid + "/status"))).containsPattern("State:\t[RS] ")
        .contains("TracerPid:\t0\n");
    assertThat(warm("checkpoint", "" + pid, "--image", "image", "--quiet")).isEqualTo(new Run(0, "", ""));
  }

  /// A program of 52 MB that ends with 7 once it is told to, and has found all of its memory as it was.
  private long sizeable() throws IOException, InterruptedException {
    long pid = program("$x = join('', 'a' .. 'z') x 2e6; open F, '>', $ARGV[1]; close F;"
        + " select undef, undef, undef, 0.05 while !-e $ARGV[0];"
        + " if ($x eq join('', 'a' .. 'z') x 2e6) { open F, '>', $ARGV[2]; exit 7 }",
        folder + "/end", folder + "/made", folder + "/whole");
    await(folder.resolve("made"));
    return pid;
  }

  private static String[] with(String[] line, String option) {
    String[] longer = Arrays.copyOf(line, line.length + 1);
    longer[line.length] = option;
    return longer;
  }

  private Path copy(String name) throws IOException {
    return Files.copy(image, folder.resolve(name), StandardCopyOption.COPY_ATTRIBUTES);
  }

  private Run warm(String... words) throws IOException, InterruptedException {
    List<String> line = new ArrayList<>(List.of(image.toString()));
    line.addAll(List.of(words));
    return run(folder, ALONE, line);
  }

  private Run shell(String script, String word) throws IOException, InterruptedException {
    return run(folder, Map.of(), List.of("sh", "-c", script, "sh", image.toString(), word));
  }

  private static List<String> ordinary(List<String> words) {
    List<String> line = new ArrayList<>(List.of(checkout.resolve("bin/stasis").toString()));
    line.addAll(words);
    return line;
  }

  /// A Perl of its own session; its parent waits for it.
  private long program(String... script) throws IOException {
    List<String> line = new ArrayList<>(List.of("sh", "-c",
        "setsid \"$@\" < /dev/null > /dev/null 2>&1 & echo $!; exec > /dev/null; wait $!", "program", "perl", "-e"));
    line.addAll(List.of(script));
    Process shell = new ProcessBuilder(line).redirectInput(Path.of("/dev/null").toFile()).start();
    long pid = Long.parseLong(shell.inputReader().readLine());
    started.add(pid);
    return pid;
  }

  private static void await(Path file) throws InterruptedException {
    await(() -> Files.exists(file), file.toString());
  }

  private static void await(BooleanSupplier so, String what) throws InterruptedException {
    for (long waitedMs = 0; waitedMs < Shell.RUN_WITHIN_S * 1000 && !so.getAsBoolean(); waitedMs += 10) {
      TimeUnit.MILLISECONDS.sleep(10);
    }
    assertThat(so.getAsBoolean()).as(what).isTrue();
  }

  /// Processes from the image.
  private static List<Long> serving() {
    return ProcessHandle.allProcesses().filter(process -> process.info().command().filter(image.toString()::equals)
        .isPresent()).map(ProcessHandle::pid).toList();
  }

  private static Run run(Path folder, Map<String, String> variables, List<String> line)
      throws IOException, InterruptedException {
    return end(folder, start(folder, variables, line));
  }

  /// Whoever runs these tests may ignore signals (`command &` in a script), which is for a JVM that starts.
  private static Process start(Path folder, Map<String, String> variables, List<String> line) throws IOException {
    List<String> plain = new ArrayList<>(List.of("env", "--default-signal=HUP,INT,QUIT,TERM,CHLD"));
    plain.addAll(line);
    ProcessBuilder builder = new ProcessBuilder(plain).directory(folder.toFile())
        .redirectInput(Path.of("/dev/null").toFile()).redirectOutput(folder.resolve("out").toFile())
        .redirectError(folder.resolve("err").toFile());
    Map<String, String> environment = new TreeMap<>(Map.of("STASIS_BUILD", "never", "STASIS_AOT", "never",
        "STASIS_SERVE", "never", "JAVA_HOME", System.getProperty("java.home")));
    environment.putAll(variables);
    builder.environment().putAll(environment);
    return builder.start();
  }

  private static Run end(Path folder, Process process) throws IOException, InterruptedException {
    if (!process.waitFor(Shell.RUN_WITHIN_S, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("a command hangs");
    }
    return new Run(process.exitValue(), Files.readString(folder.resolve("out")),
        Files.readString(folder.resolve("err")));
  }
}

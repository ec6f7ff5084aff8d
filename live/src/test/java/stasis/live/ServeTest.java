package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.live.Shell.Run;

/// A resident engine: commands are done by it and cannot be told from others, or are done by themselves.
final class ServeTest {
  private static final int ROUNDS = 50;

  @TempDir private static Path common = Path.of("");
  private static final List<Process> SERVERS = new ArrayList<>();

  private final List<Long> started = new ArrayList<>();
  @TempDir private Path folder = Path.of("");
  private Path doorway = Path.of("");
  private long before;

  @BeforeAll
  static void theBuildIsThere() throws IOException, InterruptedException {
    Shell.assumeBuilt();
    assumeTrue("root".equals(System.getProperty("user.name")), "needs CAP_CHECKPOINT_RESTORE");
    serve(common, common.resolve("serve"));
  }

  @BeforeEach
  void theServerIsThere() {
    doorway = common.resolve("serve");
    before = requests();
  }

  @AfterEach
  void nothingIsLeft() {
    started.forEach(pid -> ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly));
  }

  @AfterAll
  static void noServerIsLeft() throws InterruptedException {
    for (Process server : SERVERS) {
      server.destroyForcibly();
      assertThat(server.waitFor(Shell.RUN_WITHIN_S, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void aServedProgramGoesAndComesAsEver() throws IOException, InterruptedException {
    long pid = sleeper("perl", "-e", "select undef, undef, undef, 0.1 while !-e $ARGV[0]; exit 7",
        folder.resolve("end").toString());

    Run checkpoint = served("here", "checkpoint", "" + pid, "--image", image(), "--json");
    Process restore = shell("there").start("restore", image(), "--quiet", "--pidfile", folder + "/pid");
    await(folder.resolve("pid"));
    Files.createFile(folder.resolve("end"));
    Run restored = shell("there").end(restore, "restore");

    assertThat(checkpoint.status()).as(checkpoint.err()).isZero();
    assertThat(checkpoint.out()).startsWith("{").contains("\"outcome\": \"done\"", "\"frozen_ms\"");
    assertThat(restored).isEqualTo(new Run(7, "", ""));
    hasServed(before + 2);
  }

  @Test
  void aProgramWhoseMemoryComesLateIsTheServersToFinish() throws IOException, InterruptedException {
    long pid = sleeper("perl", "-e", "$x = join '', map { pack 'N', $_ } 1 .. 3e6; open F, '>', \"$ARGV[0]/made\";"
        + " close F; select undef, undef, undef, 0.05 while !-e \"$ARGV[0]/ask\"; my $n = 0;"
        + " for (1 .. 3e6) { $n++ if unpack('N', substr $x, 4 * $_ - 4, 4) == $_ } open F, '>', \"$ARGV[0]/.answer\";"
        + " print F $n; close F; rename \"$ARGV[0]/.answer\", \"$ARGV[0]/answer\"", folder.toString());
    await(folder.resolve("made"));
    assertThat(served("here", "checkpoint", "" + pid, "--image", image(), "--quiet")).isEqualTo(new Run(0, "", ""));

    Run restored = served("there", "restore", image(), "--lazy", "--detach", "--quiet");
    Files.createFile(folder.resolve("ask"));
    await(folder.resolve("answer"));

    assertThat(restored).isEqualTo(new Run(0, pid + "\n", ""));
    assertThat(folder.resolve("answer")).content().isEqualTo("3000000");
    hasServed(before + 2);
  }

  @Test
  void whatHoldsTheTrackingOfAServedProgramEndsWithItAndIsReaped() throws IOException, InterruptedException {
    long pid = sleeper("perl", "-e", "$x = 'x' x 4e6; open F, '>', $ARGV[0]; close F; sleep 300",
        folder.resolve("made").toString());
    await(folder.resolve("made"));
    String[] line = {"checkpoint", "" + pid, "--repo", folder.resolve("repository").toString(), "--name", "n",
        "--track", "--leave-running", "--json"};
    Run first = served("here", line);
    Run second = served("here", line);

    assertThat(first.status()).as(first.err()).isZero();
    assertThat(second.out()).contains("\"since\": \"n@1\"");
    assertThat(children(SERVERS.getFirst())).contains("stasis-tracker");
    ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
    Ground.waitFor(() -> !children(SERVERS.getFirst()).contains("stasis-tracker"));
    assertThat(children(SERVERS.getFirst())).doesNotContain("stasis-tracker");
    hasServed(before + 2);
  }

  /// By name, those that have ended and were not reaped too.
  private static List<String> children(Process process) {
    return process.children().map(child -> {
      try {
        return Files.readString(Path.of("/proc/" + child.pid() + "/comm")).strip();
      } catch (IOException e) {
        return "";
      }
    }).toList();
  }

  @Test
  void signalsToAServedRestoreAreTheProgramsOwn() throws IOException, InterruptedException {
    long pid = sleeper("sleep", "300");
    assertThat(served("here", "checkpoint", "" + pid, "--image", image(), "--quiet")).isEqualTo(new Run(0, "", ""));

    Process restore = shell("there").start("restore", image(), "--pidfile", folder.resolve("pid").toString());
    await(folder.resolve("pid"));
    ProcessHandle.of(restore.pid()).orElseThrow().destroy();

    assertThat(shell("there").end(restore, "restore").status()).as("128 and SIGTERM").isEqualTo(143);
    assertThat(Files.exists(Path.of("/proc/" + pid))).isFalse();
    hasServed(before + 2);
  }

  @Test
  void whatFailsSaysTheSameAndRelativeNamesMeanTheCallersFolder() throws IOException, InterruptedException {
    long pid = sleeper("sleep", "300");
    List<List<String>> lines = List.of(
        List.of("checkpoint", "999999", "--image", image()),
        List.of("restore", folder.resolve("nothing").toString()),
        List.of("checkpoint", "" + pid, "--image", "relative", "--leave-running", "--quiet"),
        List.of("checkpoint", "" + pid, "--image", "relative", "--leave-running"));

    List<Run> served = new ArrayList<>();
    List<Run> byItself = new ArrayList<>();
    Files.createDirectories(folder.resolve("work"));
    for (List<String> line : lines) {
      served.add(inWork(shell("here"), line));
    }
    remove(folder.resolve("work/relative"));
    for (List<String> line : lines) {
      byItself.add(inWork(new Shell(folder.resolve("there")), line));
    }

    assertThat(served).isEqualTo(byItself);
    assertThat(served.stream().map(Run::status)).containsExactly(3, 125, 0, 3);
    hasServed(before + 4);
  }

  @Test
  void whoIsNotAsTheServerIsRunsByItself() throws IOException, InterruptedException {
    String nothing = folder.resolve("nothing").toString();
    for (List<String> wrapper : List.of(
        List.of("sh", "-c", "umask 077; exec \"$@\"", "sh"),
        List.of("sh", "-c", "ulimit -S -s 4096; exec \"$@\"", "sh"),
        List.of("unshare", "--mount"),
        List.of("nice"),
        List.of("env", "HOME=/"))) {
      Shell shell = shell("here");
      Run run = shell.end(shell.startBy(wrapper, "restore", nothing));
      assertThat(run.status()).as(wrapper.toString()).isEqualTo(125);
      assertThat(run.err()).contains("there is no " + nothing);
    }
    assertThat(status()).contains("its Umask is another", "its Max stack size is another", "its mnt namespace is",
        "its scheduling", "its environment is another");
    hasServed(before);
  }

  @Test
  void aProgramThatIsToJoinTheCallersSessionIsRestoredByTheCaller() throws IOException, InterruptedException {
    Process shell = new ProcessBuilder("sh", "-c", "sleep 300 < /dev/null > /dev/null 2>&1 & echo $!; exec > /dev/null;"
        + " wait $!").redirectInput(Path.of("/dev/null").toFile()).start();
    long pid = Long.parseLong(shell.inputReader().readLine());
    started.add(pid);
    assertThat(served("here", "checkpoint", "" + pid, "--image", image(), "--quiet").status()).isZero();

    Run restore = served("here", "restore", image(), "--detach", "--quiet");

    assertThat(restore).isEqualTo(new Run(0, pid + "\n", ""));
    assertThat(status()).contains("its session is the restorer's");
    hasServed(before + 1);
  }

  @Test
  void aServerThatIsKilledLeavesTheProgramRunningAndTheNextOneServes() throws IOException, InterruptedException {
    doorway = folder.resolve("serve");
    Process server = serve(folder.resolve("server"), doorway);
    Path beat = folder.resolve("beat");
    long pid = sleeper("perl", "-e", "$x = \"x\" x 300e6; while (1) { open F, '>', $ARGV[0]; print F $n++; close F;"
        + " select undef, undef, undef, 0.02 }", beat.toString());
    await(beat);

    Shell shell = shell("here");
    Process checkpoint = shell.start("checkpoint", "" + pid, "--image", image());
    Path status = Path.of("/proc/" + pid + "/status");
    while (checkpoint.isAlive() && Files.readString(status).contains("TracerPid:\t0\n")) {
      Thread.onSpinWait();
    }
    server.destroyForcibly();
    Run killed = shell.end(checkpoint);

    assertThat(killed.status()).as(killed.err()).isEqualTo(137);
    assertThat(killed.err()).contains("the server was ended");
    Files.delete(beat);
    await(beat);
    assertThat(Files.readString(status)).contains("TracerPid:\t0\n");
    assertThat(doorway.resolve("serve.sock")).as("as a dead server leaves it").exists();
    assertThat(served("here", "serve", "--status").status()).isEqualTo(4);
    Run alone = served("here", "restore", folder.resolve("nothing").toString());
    assertThat(alone.status()).as("asked nobody for ever").isEqualTo(125);
    serve(folder.resolve("next"), doorway);
    assertThat(served("here", "checkpoint", "" + pid, "--image", image(), "--quiet")).isEqualTo(new Run(0, "", ""));
    hasServed(1);
  }

  @Test
  void manyRequestsLeaveNothingBehind() throws IOException, InterruptedException {
    Process server = SERVERS.getFirst();
    long pid = sleeper("sleep", "300");
    long fds = 0;
    long threads = 0;
    for (int round = 0; round < ROUNDS; round++) {
      if (round == ROUNDS / 5) {
        fds = count(server, "fd");
        threads = threads(server);
      }
      assertThat(served("here", "checkpoint", "" + pid, "--image", image(), "--quiet", "--force", "--leave-running"))
          .isEqualTo(new Run(0, "", ""));
    }

    // The last request is over for who asked before it is for the server.
    long most = fds + 2;
    Ground.waitFor(() -> openFiles(server) <= most);
    assertThat(count(server, "fd")).isLessThanOrEqualTo(most);
    assertThat(threads(server)).isLessThanOrEqualTo(threads + 1);
    hasServed(before + ROUNDS);
    // Four lines that wait, with two files each, the socket and the lock; one line may be on its way.
    assertThat(count(doorway)).isBetween(8L, 13L);
  }

  @Test
  void itIsOnlyForItsOwnerAndGoesWhenAsked() throws IOException, InterruptedException {
    doorway = folder.resolve("serve");
    Process server = serve(folder.resolve("server"), doorway);

    Run another = served("here", "serve");
    String folderMode = PosixFilePermissions.toString(Files.getPosixFilePermissions(doorway));
    String socketMode = PosixFilePermissions.toString(Files.getPosixFilePermissions(
        doorway.resolve("serve.sock")));
    Run stop = served("here", "serve", "--stop");

    assertThat(another.status()).isEqualTo(3);
    assertThat(another.err()).contains("another one serves");
    assertThat(folderMode).isEqualTo("rwx------");
    assertThat(socketMode).isEqualTo("rw-------");
    assertThat(stop.status()).isZero();
    assertThat(server.waitFor(Shell.RUN_WITHIN_S, TimeUnit.SECONDS)).isTrue();
    assertThat(server.exitValue()).isZero();
    assertThat(count(doorway)).as("the lock").isEqualTo(1);
  }

  private String image() {
    return folder.resolve("image").toString();
  }

  /// @param folder where it says something @param doorway where it serves
  private static Process serve(Path folder, Path doorway) throws IOException, InterruptedException {
    Process server = shell(folder, doorway).start("serve", "--warm-up", "0");
    SERVERS.add(server);
    Path said = folder.resolve("err");
    for (long i = 0; i < Shell.RUN_WITHIN_S * 20 && !Files.readString(said).contains("serving at"); i++) {
      assertThat(server.isAlive()).as(Files.readString(said)).isTrue();
      Thread.sleep(50);
    }
    return server;
  }

  static Shell shell(Path folder, Path doorway) throws IOException {
    return new Shell(Files.createDirectories(folder), Map.of("STASIS_SERVE_DIRECTORY", doorway.toString(),
        "STASIS_JAVA_OPTIONS", ""));
  }

  private Shell shell(String name) throws IOException {
    return shell(folder.resolve(name), doorway);
  }

  private Run served(String name, String... words) throws IOException, InterruptedException {
    return shell(name).stasis(words);
  }

  /// As `stasis serve --status` asks.
  private String status() {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(doorway.resolve("serve.sock")))) {
      channel.write(ByteBuffer.wrap("status\n".getBytes(StandardCharsets.US_ASCII)));
      ByteBuffer answer = ByteBuffer.allocate(65536);
      while (channel.read(answer) > 0) { }
      return new String(answer.array(), 0, answer.position(), StandardCharsets.US_ASCII);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The server counts a request after who asked has its answer.
  private void hasServed(long expected) {
    Ground.waitFor(() -> requests() == expected);
    assertThat(requests()).isEqualTo(expected);
  }

  private long requests() {
    Matcher matcher = Pattern.compile("([0-9]+) requests? served").matcher(status());
    assertThat(matcher.find()).isTrue();
    return Long.parseLong(matcher.group(1));
  }

  private Run inWork(Shell shell, List<String> words) throws IOException, InterruptedException {
    return shell.end(shell.startBy(List.of("env", "-C", folder.resolve("work").toString()),
        words.toArray(String[]::new)));
  }

  /// A session of its own with nothing of ours open; its parent is a shell that waits, so its pid is free at its end.
  private long sleeper(String... command) throws IOException {
    List<String> line = new ArrayList<>(List.of("sh", "-c",
        "setsid \"$@\" < /dev/null > /dev/null 2>&1 & echo $!; exec > /dev/null; wait $!", "sleeper"));
    line.addAll(List.of(command));
    Process shell = new ProcessBuilder(line).redirectInput(Path.of("/dev/null").toFile()).start();
    long pid = Long.parseLong(shell.inputReader().readLine());
    started.add(pid);
    return pid;
  }

  private static void await(Path file) throws InterruptedException {
    for (long i = 0; i < Shell.RUN_WITHIN_S * 20 && !Files.exists(file); i++) {
      Thread.sleep(50);
    }
    assertThat(file).exists();
  }

  private static long count(Process process, String what) throws IOException {
    return count(Path.of("/proc/" + process.pid(), what));
  }

  private static long openFiles(Process process) {
    try {
      return count(process, "fd");
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static long count(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.count();
    }
  }

  /// Threads of requests; those of the compilers come and go as the JVM likes.
  private static long threads(Process process) throws IOException {
    try (Stream<Path> threads = Files.list(Path.of("/proc/" + process.pid(), "task"))) {
      return threads.filter(thread -> {
        try {
          return Files.readString(thread.resolve("comm")).startsWith("stasis-");
        } catch (IOException e) {
          return false;
        }
      }).count();
    }
  }

  private static void remove(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}

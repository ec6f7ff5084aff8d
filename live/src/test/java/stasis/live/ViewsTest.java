package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.live.Shell.Run;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Victim;

/// What every view of an image says of real programs, beside what /proc and gdb say of the programs themselves, which
/// stand still meanwhile.
@Timeout(300)
final class ViewsTest {
  private static final Path GDB = Path.of("/usr/bin/gdb");
  private static final Path REDIS = Path.of("/usr/bin/redis-server");
  private static final Path PYTHON = Path.of("/usr/bin/python3");
  private static final int SIGSTOP = 19;
  private static final Pattern MAPS =
      Pattern.compile("([0-9a-f]+)-([0-9a-f]+) (\\S{4}) ([0-9a-f]+) \\S+ \\d+ *(.*)");
  private static final Pattern STACK = Pattern.compile("task (\\d+) of \\d+ .*, in (\\w+)(?:\\(| mode).*");

  @TempDir private Path folder = Path.of("");

  @BeforeEach
  void theBuildIsThere() {
    Shell.assumeBuilt();
    assumeTrue("root".equals(System.getProperty("user.name")), "needs root");
    assumeTrue(Files.isExecutable(GDB), "needs gdb");
  }

  @Test
  void redis() throws Exception {
    assumeTrue(Files.isExecutable(REDIS), "needs redis-server");
    int port;
    try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = probe.getLocalPort();
    }
    try (var cycle = new Cycle(new Victims(), folder)) {
      Victim victim = cycle.start(Program.of(REDIS, "--port", "" + port, "--bind", "127.0.0.1", "--save", ""));
      String needle = "needle-in-a-value-" + System.nanoTime();
      Ground.waitFor(() -> said(port, "SET key " + needle));
      List<Tid> tree = stopped(victim);
      var views = new Views(tree);
      views.agree();
      views.parsesAsJson();
      views.holds(needle);
      assertThat(views.show("ss")).contains("tcp LISTEN 0 511 127.0.0.1:" + port);
      views.backtraces(victim.pid());
    }
  }

  private static boolean said(int port, String command) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
      socket.getOutputStream().write((command + "\r\n").getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readNBytes(3), StandardCharsets.US_ASCII).equals("+OK")
          && closed(socket);
    } catch (IOException e) {
      return false;
    }
  }

  /// The server closes its end when it is told to.
  private static boolean closed(Socket socket) throws IOException {
    socket.getOutputStream().write("QUIT\r\n".getBytes(StandardCharsets.US_ASCII));
    return socket.getInputStream().readAllBytes().length > 0;
  }

  @Test
  void aJvm() throws Exception {
    try (var cycle = new Cycle(new Victims(), folder)) {
      String number = "" + System.nanoTime();
      Victim victim = cycle.start(Program.of(Path.of(System.getProperty("java.home") + "/bin/java"), "-Xmx64m",
          "-XX:+UseSerialGC", "-XX:-UsePerfData",
          Path.of("src/test/resources/views/Views.java").toAbsolutePath().toString(), number));
      String port = awaitReady(victim);
      var views = new Views(stopped(victim));
      views.agree();
      views.holds("NEEDLE-IN-A-HEAP" + number);
      assertThat(views.show("ss")).contains("tcp LISTEN 0 5 [::ffff:7f00:1]:" + port);
      views.backtraces(victim.pid());
    }
  }

  @Test
  void postgres() throws Exception {
    assumeTrue(Files.isDirectory(Path.of("/usr/lib/postgresql")), "needs postgresql");
    try (var cycle = new Cycle(new Victims(), folder)) {
      String number = "" + System.nanoTime();
      Victim victim = cycle.start(Program.of(Path.of("/bin/sh"),
          Path.of("src/test/resources/views/postgres.sh").toAbsolutePath().toString(), number));
      awaitReady(victim);
      List<Tid> tree = stopped(victim);
      assertThat(tree).hasSizeGreaterThan(6);
      var views = new Views(tree);
      views.agree();
      views.holds("NEEDLE-IN-A-TABLE" + number);
      assertThat(views.show("ss")).contains(".s.PGSQL.5432");
      for (Tid task : tree.subList(0, 3)) {
        views.backtraces(task);
      }
      cycle.end(victim);
      // A database that is killed leaves the segment by which it would know another: the seventh line names it.
      String segment = Files.readAllLines(victim.folder().resolve("data/postmaster.pid")).get(6).strip();
      assertThat(new ProcessBuilder("ipcrm", "-m", idOf(segment)).inheritIO().start().waitFor()).isZero();
    }
  }

  /// Frames that the kernel made lead from the signal's own stack to the one that it interrupted.
  @Test
  void aSignalHandlerOnItsOwnStack() throws Exception {
    try (var cycle = new Cycle(new Victims(), folder)) {
      Victim victim = cycle.start(new Victims().of(Path.of("src/test/resources/views/handler.c"), "-rdynamic"));
      awaitReady(victim);
      var views = new Views(stopped(victim));
      List<String> frames = views.show("stack").lines().filter(line -> line.startsWith("#")).toList();
      List<String> functions = frames.stream().map(line -> line.split("[ +]")[2]).toList();
      assertThat(functions).containsSubsequence("handler", "interrupted", "main", "_start");
      Run gdb = views.shell.stasis("gdb", views.image, "--", "-batch", "-ex", "backtrace");
      assertThat(gdb.status()).as(gdb.err()).isZero();
      assertThat(gdb.out()).containsSubsequence("in handler (", "<signal handler called>", "in interrupted (", "in main (");
      views.backtraces(victim.pid());
    }
  }

  private static String idOf(String segment) {
    return segment.split(" +")[1];
  }

  private static String awaitReady(Victim victim) throws IOException {
    Path out = victim.folder().resolve("out");
    assertThat(Ground.waitFor(() -> read(out).contains("ready"))).as(victim.errors()).isTrue();
    return read(out).strip().split(" ")[1];
  }

  private static String read(Path file) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return "";
    }
  }

  /// The tree, every thread of it stopped: parents first, who would otherwise see it.
  private static List<Tid> stopped(Victim victim) {
    List<Tid> tree = Cycle.tree(victim.pid());
    tree.forEach(task -> Syscalls.call(Nr.KILL, task.value(), SIGSTOP));
    assertThat(Ground.waitFor(() -> tree.stream().allMatch(ViewsTest::stands))).isTrue();
    return tree;
  }

  private static boolean stands(Tid task) {
    return threads(task).allMatch(thread ->
        read(Path.of("/proc/" + task + "/task/" + thread + "/status")).contains("State:\tT"));
  }

  private static Stream<String> threads(Tid task) {
    return Stream.of(Path.of("/proc/" + task + "/task").toFile().list());
  }

  /// An image of a tree, and the tree.
  private final class Views {
    private final Shell shell = new Shell(folder);
    private final String image = folder.resolve("views").toString();
    private final List<Tid> tree;

    Views(List<Tid> tree) throws IOException, InterruptedException {
      this.tree = tree;
      Run run = shell.stasis("checkpoint", "" + tree.getFirst(), "--image", image, "--leave-running", "--quiet");
      assertThat(run.status()).as(run.err()).isZero();
    }

    /// A view with single spaces.
    String show(String... view) throws IOException, InterruptedException {
      List<String> arguments = new ArrayList<>(List.of("inspect", image));
      arguments.addAll(List.of(view));
      Run run = shell.stasis(arguments.toArray(String[]::new));
      assertThat(run.status()).as(run.err()).isZero();
      return run.out().replaceAll(" +", " ");
    }

    void agree() throws IOException, InterruptedException {
      assertThat(new TreeSet<>(show("ps").lines().skip(1).map(line -> cut(line, 0)).toList()))
          .isEqualTo(new TreeSet<>(tree.stream().flatMap(ViewsTest::threads).toList()));
      String ps = show("ps");
      String lsof = show("lsof");
      String pmap = show("pmap", "-x");
      String stack = show("stack");
      List<String> environment = new ArrayList<>();
      for (Tid task : tree) {
        String commandLine = read(Path.of("/proc/" + task + "/cmdline")).replace('\0', ' ').strip();
        assertThat(ps.lines().filter(line -> line.startsWith(task + " ")).findFirst().orElseThrow())
            .endsWith(commandLine.replaceAll(" +", " "));
        descriptors(task, lsof);
        mappings(task, pmap);
        calls(task, stack);
        for (String variable : read(Path.of("/proc/" + task + "/environ")).split("\0")) {
          environment.add((task + " " + variable).strip());
        }
      }
      assertThat(show("env").lines().skip(1).map(String::strip).sorted().toList())
          .isEqualTo(environment.stream().map(line -> line.replaceAll(" +", " ")).sorted().toList());
    }

    void parsesAsJson() throws IOException, InterruptedException {
      for (String view : List.of("ps", "pmap", "lsof", "ss", "env", "stack", "show")) {
        Run json = shell.stasis("inspect", image, view, "--json");
        Process parser = new ProcessBuilder(PYTHON.toString(), "-c", "import json; json.load(open('out'))['rows']")
            .directory(folder.toFile()).inheritIO().start();
        assertThat(parser.waitFor()).as("%s --json: %s", view, json.err()).isZero();
      }
    }

    private static String cut(String line, int column) {
      return line.split(" ")[column];
    }

    private static void descriptors(Tid task, String lsof) throws IOException {
      List<String> rows = lsof.lines().skip(1).filter(line -> List.of(cut(line, 0).split(",")).contains("" + task))
          .toList();
      String[] open = Path.of("/proc/" + task + "/fd").toFile().list();
      assertThat(rows.stream().map(line -> cut(line, 1)).toList()).containsExactlyInAnyOrder(open);
      for (String fd : open) {
        Path link = Files.readSymbolicLink(Path.of("/proc/" + task + "/fd/" + fd));
        if (Files.isRegularFile(link)) {
          assertThat(rows).anyMatch(row -> cut(row, 1).equals(fd) && row.endsWith(" " + link));
        }
      }
    }

    private static void mappings(Tid task, String pmap) {
      List<String> live = new ArrayList<>();
      for (String line : read(Path.of("/proc/" + task + "/maps")).lines().toList()) {
        Matcher of = MAPS.matcher(line);
        if (of.matches() && !of.group(5).equals("[vsyscall]")) {
          long start = Long.parseUnsignedLong(of.group(1), 16);
          live.add("0x%x %d %s %d".formatted(start, (Long.parseUnsignedLong(of.group(2), 16) - start) / 1024,
              of.group(3), Long.parseUnsignedLong(of.group(4), 16)));
        }
      }
      List<String> rows = new ArrayList<>();
      boolean its = false;
      for (String line : pmap.lines().toList()) {
        if (line.startsWith("mm ")) {
          its = List.of(cut(line, 3).split("[,/]")).contains("" + task);
        } else if (its && line.startsWith("0x")) {
          rows.add(String.join(" ", cut(line, 0), cut(line, 1), cut(line, 3), cut(line, 4)));
        }
      }
      assertThat(rows).isEqualTo(live);
    }

    /// A thread that stands still in a system call is in that call.
    private static void calls(Tid task, String stack) throws IOException, InterruptedException {
      long compared = 0;
      for (String line : stack.lines().toList()) {
        Matcher of = STACK.matcher(line);
        if (of.matches() && Files.exists(Path.of("/proc/" + task + "/task/" + of.group(1)))) {
          String number = cut(read(Path.of("/proc/" + task + "/task/" + of.group(1) + "/syscall")).strip(), 0);
          assertThat(number(of.group(2))).as(line).isEqualTo(number);
          compared++;
        }
      }
      assertThat(compared).isEqualTo(threads(task).count());
    }

    /// As the C library's header numbers it.
    private static String number(String name) throws IOException, InterruptedException {
      if (name.equals("user")) {
        return "-1";
      }
      Process cpp = new ProcessBuilder("/bin/sh", "-c", "echo '#include <sys/syscall.h>\nSYS_" + name
          + "' | gcc -E -P - | tail -n 1").redirectError(ProcessBuilder.Redirect.INHERIT).start();
      String out = new String(cpp.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
      cpp.waitFor(10, TimeUnit.SECONDS);
      return out;
    }

    /// grep finds a text in memory, and cat shows it where that was.
    void holds(String text) throws IOException, InterruptedException {
      List<String> found = show("grep", text).lines().skip(1).toList();
      assertThat(found).isNotEmpty();
      String task = cut(found.getFirst(), 0);
      assertThat(tree.stream().map(Tid::toString)).contains(task);
      assertThat(show("cat", cut(found.getFirst(), 1), "" + text.length(), "--task", task, "--raw")).isEqualTo(text);
    }

    /// gdb walks the same frames in the program, in its core and as the view `stack` does.
    void backtraces(Tid task) throws IOException, InterruptedException {
      Run core = shell.stasis("core", image, "--task", "" + task, "-o", folder.resolve("core-" + task).toString());
      assertThat(core.status()).as(core.err()).isZero();
      Path executable = Files.readSymbolicLink(Path.of("/proc/" + task + "/exe"));
      SortedMap<String, List<String>> live = frames("-p", "" + task);
      assertThat(live.keySet()).containsExactlyInAnyOrderElementsOf(threads(task).toList());
      assertThat(frames(executable.toString(), "-c", folder.resolve("core-" + task).toString())).isEqualTo(live);
      stacks(task, live);
    }

    /// Ours are among gdb's, which also shows functions that were inlined, or left by a jump. In code that a JIT
    /// compiler made both guess.
    private void stacks(Tid task, SortedMap<String, List<String>> live) throws IOException, InterruptedException {
      SortedMap<String, List<String>> ours = new TreeMap<>();
      List<String> thread = new ArrayList<>();
      boolean known = true;
      for (String line : show("stack", "--task", "" + task).lines().toList()) {
        Matcher of = STACK.matcher(line);
        if (of.matches()) {
          thread = ours.computeIfAbsent(of.group(1), _ -> new ArrayList<>());
          known = true;
        } else if (line.startsWith("#")) {
          known &= line.contains("/");
          if (known) {
            thread.add(cut(line, 1));
          }
        }
      }
      assertThat(ours.keySet()).isEqualTo(live.keySet());
      ours.forEach((tid, frames) -> assertThat(live.getOrDefault(tid, List.of())).as("task %s", tid)
          .containsSubsequence(frames));
      assertThat(ours.values().stream().mapToLong(List::size).sum()).isGreaterThan(2L * ours.size());
    }

    /// Threads, by number, and the places of their frames.
    private static SortedMap<String, List<String>> frames(String... arguments) throws IOException, InterruptedException {
      List<String> command = new ArrayList<>(List.of(GDB.toString(), "-q", "-nx", "-batch", "-ex",
          "set backtrace past-main on", "-ex", "set backtrace past-entry on", "-ex",
          "thread apply all frame apply all -q p/x $pc"));
      command.addAll(List.of(arguments));
      Process gdb = new ProcessBuilder(command).redirectErrorStream(true).start();
      gdb.getOutputStream().close();
      String out = new String(gdb.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      gdb.waitFor();
      SortedMap<String, List<String>> frames = new TreeMap<>();
      List<String> current = new ArrayList<>();
      for (String line : out.lines().toList()) {
        Matcher thread = Pattern.compile("^Thread \\d+ \\(.*?(?:LWP |process )(\\d+)\\).*").matcher(line);
        Matcher place = Pattern.compile("^\\$\\d+ = (0x[0-9a-f]+)$").matcher(line);
        if (thread.matches()) {
          current = frames.computeIfAbsent(thread.group(1), _ -> new ArrayList<>());
        } else if (place.matches()) {
          current.add(place.group(1));
        }
      }
      return frames;
    }
  }
}

package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import stasis.engine.Place;
import stasis.linux.abi.Nr;
import stasis.linux.probe.PidRights;
import stasis.linux.sys.Syscalls;
import stasis.testkit.Oracle;

/// A fresh user checkpoints and restores its own programs, without any privilege: in namespaces of its own, among the
/// pids of the host, and in a box where it has no capability and can make no namespace. What the programs themselves
/// say afterwards is what counts.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class RootlessProgramsTest {
  private static final int SIGKILL = 9;
  /// Numbers below 300 are given once: what runs in the first box has higher ones.
  private static final int USED = 400;
  /// Its own pid and that of its thread, a token of its memory, what its child is, and a count.
  private static final String PYTHON = """
      import os, threading, time, uuid
      token, count, r, w = uuid.uuid4().hex, [0], *os.pipe()
      if os.fork() == 0:
          os.close(w)
          while os.read(r, 1):
              open('child.next', 'w').write('%d of %d, %s' % (os.getpid(), os.getppid(), token))
              os.rename('child.next', 'child.txt')
          os._exit(0)
      def hush():
          while os.path.exists('hush'):
              time.sleep(0.05)
      def tick():
          while True:
              hush()
              count[0] += 1
              os.write(w, b'x')
              time.sleep(0.02)
      thread = threading.Thread(target=tick, daemon=True)
      thread.start()
      while True:
          if os.path.exists('hush'):
              time.sleep(0.5)
              open('hushed', 'w').close()
              hush()
          open('python.next', 'w').write('%d %d %d %s %d' % (os.getpid(), thread.native_id,
              threading.get_native_id(), token, count[0]))
          os.rename('python.next', 'python.txt')
          time.sleep(0.02)
      """;

  /// What another box has other ones of.
  private static final String OF_THE_BOX =
      "groups/.*/(ns/(user|pid|pid_for_children|mnt)|uid_map|gid_map|fdinfo/mnt_id)";

  private FreshUser user;
  private int images;
  private long restored;

  @BeforeAll
  void become(@TempDir Path folder) throws IOException {
    user = FreshUser.in(folder);
  }

  @AfterEach
  void end() {
    if (restored > 0) {
      Syscalls.call(Nr.KILL, restored, SIGKILL);
      Ground.waitFor(() -> !Files.exists(Path.of("/proc/" + restored)));
    }
    restored = 0;
    user.endAll();
  }

  private static void needs(String... programs) {
    for (String program : programs) {
      assumeTrue(Files.isExecutable(Path.of(program)), "needs " + program);
    }
  }

  /// Root's rights say whether this kernel has user namespaces at all; whether it lets a stranger, the run says.
  private static void needsNamespaces(Place place) {
    assumeTrue(place == Place.HERE || PidRights.look().namespaces(), "needs user namespaces");
  }

  /// Freezes a program, sees it gone, brings it back.
  private void carry(Process program, Place place) throws IOException, InterruptedException {
    String image = user.home().resolve("image-" + ++images).toString();
    String said = user.run(user.java(FreshUserEngine.class, "carry", place.name(), image, program.pid() + "")).strip();
    assertThat(said).as("%s of %s", place, program.pid()).matches("running [0-9]+ as " + program.pid());
    restored = Long.parseLong(said.split(" ")[1]);
    if (place == Place.HERE) {
      assertThat(restored).isEqualTo(program.pid());
    }
  }

  /// A file that the program writes, when it is as wanted.
  private String told(String file, Predicate<String> wanted) throws IOException {
    Ground.waitFor(() -> {
      try {
        return wanted.test(user.file(file));
      } catch (IOException e) {
        return false;
      }
    });
    return user.file(file);
  }

  private static long count(String told) {
    return told.isEmpty() ? -1 : Long.parseLong(told.substring(told.lastIndexOf(' ') + 1));
  }

  private static String allButCount(String told) {
    return told.substring(0, told.lastIndexOf(' '));
  }

  private void goesOn(String file, String before) throws IOException {
    String after = told(file, text -> count(text) > count(before) + 20);
    assertThat(allButCount(after)).as("pids, tids and what it holds in memory").isEqualTo(allButCount(before));
    assertThat(count(after)).as("it goes on counting").isGreaterThan(count(before) + 20);
  }

  @ParameterizedTest
  @EnumSource(names = "ANY")
  void pythonWithAThreadAndAChildGoesOn(Place place) throws IOException, InterruptedException {
    needs("/usr/bin/python3");
    needsNamespaces(place);
    Files.writeString(user.home().resolve("work.py"), PYTHON);
    Process python = user.start(List.of("/usr/bin/python3", "work.py"));
    String before = told("python.txt", text -> text.startsWith(python.pid() + " ") && count(text) > 5);
    String child = told("child.txt", text -> text.contains("of " + python.pid()));

    carry(python, place);

    Files.delete(user.home().resolve("child.txt"));
    goesOn("python.txt", before);
    assertThat(told("child.txt", text -> !text.isEmpty())).isEqualTo(child);
  }

  @ParameterizedTest
  @EnumSource(names = "ANY")
  void aJvmGoesOn(Place place) throws IOException, InterruptedException {
    needsNamespaces(place);
    Process jvm = user.start(user.java(FreshUserWork.class));
    String before = told("java.txt", text -> text.startsWith(jvm.pid() + " ") && count(text) > 5);
    carry(jvm, place);
    goesOn("java.txt", before);
  }

  @ParameterizedTest
  @EnumSource(names = "ANY")
  void redisHasItsDataAndItsSocket(Place place) throws IOException, InterruptedException {
    needs("/usr/bin/redis-server", "/usr/bin/redis-cli");
    needsNamespaces(place);
    Process redis = user.start(List.of("/usr/bin/redis-server", "--port", "0", "--unixsocket", "redis.sock", "--save",
        ""));
    for (int tries = 0; !ask("ping").equals("PONG"); tries++) {
      assertThat(tries).as(user.said(redis)).isLessThan(50);
    }
    assertThat(ask("set", "key", "value of " + redis.pid())).isEqualTo("OK");
    assertThat(ask("rpush", "list", "a", "b", "c")).isEqualTo("3");

    carry(redis, place);

    assertThat(ask("get", "key")).isEqualTo("value of " + redis.pid());
    assertThat(ask("rpush", "list", "d")).isEqualTo("4");
    assertThat(ask("info", "server")).contains("process_id:" + redis.pid());
  }

  private String ask(String... words) throws IOException, InterruptedException {
    var command = new java.util.ArrayList<>(List.of("/usr/bin/redis-cli", "-s", "redis.sock"));
    command.addAll(List.of(words));
    return user.run(command).strip();
  }

  @ParameterizedTest
  @EnumSource(names = "ANY")
  void tmuxWithVimKeepsTheUnsavedBuffer(Place place) throws IOException, InterruptedException {
    needs("/usr/bin/tmux", "/usr/bin/vim");
    needsNamespaces(place);
    Files.deleteIfExists(user.home().resolve("tmux.sock"));
    Process tmux = user.start(List.of("/usr/bin/tmux", "-D", "-S", "tmux.sock", "-f", "/dev/null"));
    Ground.waitFor(() -> Files.exists(user.home().resolve("tmux.sock")));
    tmux("new-session", "-d", "-x", "80", "-y", "24", "/bin/sh");
    tmux("send-keys", "vim -u NONE -n", "Enter");
    shows("~");
    tmux("send-keys", "ihello unsaved");
    shows("hello unsaved");
    String before = tmux("capture-pane", "-p");

    carry(tmux, place);

    assertThat(tmux("capture-pane", "-p")).isEqualTo(before);
    String saved = "saved-" + place;
    tmux("send-keys", " and more", "Escape", ":w " + saved, "Enter");
    assertThat(told(saved, text -> !text.isEmpty())).isEqualTo("hello unsaved and more\n");
    tmux("kill-server");
  }

  private String tmux(String... words) throws IOException, InterruptedException {
    var command = new java.util.ArrayList<>(List.of("/usr/bin/tmux", "-S", "tmux.sock"));
    command.addAll(List.of(words));
    return user.run(command);
  }

  private void shows(String text) throws IOException, InterruptedException {
    long end = System.nanoTime() + 10_000_000_000L;
    while (!tmux("capture-pane", "-p").contains(text) && System.nanoTime() < end) {
      Thread.onSpinWait();
    }
  }

  /// Stored in one box and brought back in another, where the counter of pids has not come to them.
  private void carryToAnotherBox(Box from, String pid, String image) throws IOException, InterruptedException {
    String stored = from.run(user.java(FreshUserEngine.class, "checkpoint", pid, image));
    assertThat(Files.exists(Path.of(image))).as(stored).isTrue();
    from.close();
  }

  private void broughtBack(Box box, String pid, String image) throws IOException, InterruptedException {
    assertThat(box.run(user.java(FreshUserEngine.class, "restore", "ANY", image)).strip())
        .isEqualTo("running " + pid + " as " + pid);
  }

  @Test
  void inABoxWithoutAnyRightATreeWithThreadsComesBackAtItsPids() throws IOException, InterruptedException {
    needs("/usr/bin/python3");
    Files.writeString(user.home().resolve("work.py"), PYTHON);
    Files.deleteIfExists(user.home().resolve("python.txt"));
    Files.deleteIfExists(user.home().resolve("child.txt"));
    String image = user.home().resolve("box-python").toString();
    String before;
    String child;
    Path look;
    try (Box box = Box.of(user, USED)) {
      box.start(List.of("/usr/bin/python3", "work.py"));
      before = told("python.txt", text -> count(text) > 5);
      child = told("child.txt", text -> !text.isEmpty());
      Files.createFile(user.home().resolve("hush"));
      assertThat(Ground.waitFor(() -> Files.exists(user.home().resolve("hushed")))).isTrue();
      look = look(box, before.split(" ")[0], "before");
      carryToAnotherBox(box, before.split(" ")[0], image);
    }
    Files.delete(user.home().resolve("child.txt"));
    try (Box box = Box.of(user, 0)) {
      broughtBack(box, before.split(" ")[0], image);
      agree(look, look(box, before.split(" ")[0], "after"));
      Files.delete(user.home().resolve("hush"));
      goesOn("python.txt", before);
      assertThat(told("child.txt", text -> !text.isEmpty())).isEqualTo(child);
      assertThat(box.run(List.of("/bin/sh", "-c", "cat /proc/" + before.split(" ")[0] + "/comm; readlink /proc/"
          + before.split(" ")[0] + "/exe"))).startsWith("python3\n/usr/bin/python3");
    }
  }

  @Test
  void inABoxPidsThatCannotBeHadAreRefusedByName() throws IOException, InterruptedException {
    String low = sleeping(0);
    String high = sleeping(USED);
    try (Box box = Box.of(user, USED + 200)) {
      assertThat(box.run(user.java(FreshUserEngine.class, "restore", "ANY", image(low)))).contains("refused",
          "pid " + low, "numbers below 300 are given once", "CAP_CHECKPOINT_RESTORE");
      assertThat(box.run(user.java(FreshUserEngine.class, "restore", "ANY", image(high)))).contains("refused",
          "pid " + high, "numbers have to be passed over", "--in-place", "fresh container");
      assertThat(judged(box, "ANY", low)).contains("no: pid " + low, "numbers below 300 are given once");
      assertThat(judged(box, "ANY", high)).contains("no: pid " + high, "numbers have to be passed over");
      assertThat(judged(box, "HERE", high)).doesNotContain("no: ").contains("in place: pids " + high
          + " are waited for; the last one given here is ", " numbers are passed over, once around ");
    }
    try (Box box = Box.of(user, 0)) {
      assertThat(judged(box, "ANY", high)).doesNotContain("no: ").containsPattern("at least [0-9]{2,3} numbers are"
          + " passed over, some ten thousand in a second");
    }
  }

  /// What the kernel says of a tree, asked in the box.
  private Path look(Box box, String pid, String when) throws IOException, InterruptedException {
    String copy = user.home().resolve("bin").toString();
    if (!Files.exists(Path.of(copy))) {
      List<String> copying = List.of("/bin/cp", "-r", Repository.root().resolve("bin").toString(), copy);
      user.end(user.startAsRoot(copying), copying);
    }
    return Files.writeString(user.home().resolve("look-" + when + "-" + pid),
        box.run(List.of("/usr/bin/python3", copy + "/oracle", "snapshot", "--tree", pid)));
  }

  private void agree(Path before, Path after) throws IOException {
    Oracle oracle = new Oracle(Repository.root(), user.home());
    assertThat(oracle.compare(before, after).differences()).as("namespaces of another box")
        .anyMatch(path -> path.endsWith("/ns/pid")).allMatch(path -> path.matches(OF_THE_BOX));
    Oracle.Comparison comparison = oracle.compare(before, after, "rootless");
    assertThat(comparison.agrees()).as(() -> String.join("\n", comparison.lines())).isTrue();
  }

  private String judged(Box box, String place, String pid) throws IOException, InterruptedException {
    return box.run(user.java(FreshUserEngine.class, "judge", place, image(pid)));
  }

  /// A program that sleeps in a box, stored. @return its pid
  private String sleeping(int used) throws IOException, InterruptedException {
    Files.deleteIfExists(user.home().resolve("sleep.txt"));
    try (Box box = Box.of(user, used)) {
      box.start(List.of("/bin/sh", "-c", "echo $$ > sleep.txt; exec sleep 1000"));
      String pid = told("sleep.txt", text -> text.endsWith("\n")).strip();
      carryToAnotherBox(box, pid, image(pid));
      return pid;
    }
  }

  private String image(String pid) {
    return user.home().resolve("box-" + pid).toString();
  }

  @Test
  void inABoxTmuxAndVimAreTakenOverEachByItsOwnProgram() throws IOException, InterruptedException {
    needs("/usr/bin/tmux", "/usr/bin/vim");
    String image = user.home().resolve("box-tmux").toString();
    String before;
    String pid;
    Path look;
    try (Box box = Box.of(user, USED)) {
      Files.deleteIfExists(user.home().resolve("tmux.sock"));
      box.start(List.of("/usr/bin/tmux", "-D", "-S", "tmux.sock", "-f", "/dev/null"));
      Ground.waitFor(() -> Files.exists(user.home().resolve("tmux.sock")));
      tmux("new-session", "-d", "-x", "80", "-y", "24", "/bin/sh");
      tmux("send-keys", "vim -u NONE -n", "Enter");
      shows("~");
      tmux("send-keys", "ihello unsaved");
      shows("hello unsaved");
      before = tmux("capture-pane", "-p");
      pid = tmux("display-message", "-p", "#{pid}").strip();
      look = look(box, pid, "before");
      carryToAnotherBox(box, pid, image);
    }
    try (Box box = Box.of(user, 0)) {
      broughtBack(box, pid, image);
      agree(look, look(box, pid, "after"));
      assertThat(tmux("capture-pane", "-p")).isEqualTo(before);
      tmux("send-keys", " and more", "Escape", ":w saved-box", "Enter");
      assertThat(told("saved-box", text -> !text.isEmpty())).isEqualTo("hello unsaved and more\n");
    }
  }
}

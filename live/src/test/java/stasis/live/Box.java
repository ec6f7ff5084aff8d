package stasis.live;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// What an unprivileged container is to a program in it: pids of its own, no capability, not even in the bounding set,
/// and no namespace to be made. A user's own, made of a user, pid and mount namespace.
final class Box implements AutoCloseable {
  private static final int SIGKILL = 9;
  private static final String INSIDE = """
      echo 0 > /proc/sys/user/max_user_namespaces || exit 1
      i=0; while [ $i -lt %d ]; do /bin/true; i=$((i + 1)); done
      echo inside; while :; do sleep 1000; done""";

  private final FreshUser user;
  private final Process founder;
  private final long init;

  private Box(FreshUser user, Process founder, long init) {
    this.user = user;
    this.founder = founder;
    this.init = init;
  }

  /// Skips the test where there is none to be had.
  ///
  /// @param pids that are used up at once
  static Box of(FreshUser user, int pids) throws IOException {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/nsenter")), "needs nsenter");
    Process founder = user.start(List.of("/usr/bin/unshare", "--user", "--map-root-user", "--pid", "--fork",
        "--kill-child", "--mount-proc", "/bin/sh", "-c", INSIDE.formatted(pids)));
    Ground.waitFor(() -> said(user, founder).contains("inside") || !founder.isAlive());
    assumeTrue(said(user, founder).strip().equals("inside"), "needs user namespaces for all: " + said(user, founder));
    return new Box(user, founder, founder.descendants().findFirst().orElseThrow().pid());
  }

  private static String said(FreshUser user, Process process) {
    try {
      return user.said(process);
    } catch (IOException e) {
      return "";
    }
  }

  private List<String> inside(List<String> command) {
    var line = new ArrayList<>(List.of("/usr/bin/nsenter", "--target", init + "", "--user", "--pid", "--mount",
        "--setuid", "0", "--setgid", "0", "--wd=" + user.home(), "/usr/bin/setpriv", "--bounding-set=-all",
        "--inh-caps=-all", "--ambient-caps=-all", "/usr/bin/setsid", "--wait"));
    line.addAll(command);
    return line;
  }

  /// Starts a command that leads a session in there; it tells its number in there itself.
  Process start(List<String> command) throws IOException {
    return user.startAsRoot(inside(command));
  }

  /// What a command says until it ends.
  String run(List<String> command) throws IOException, InterruptedException {
    return user.end(start(command), command);
  }

  /// All in there dies.
  @Override
  public void close() {
    Syscalls.call(Nr.KILL, init, SIGKILL);
    Ground.waitFor(() -> !founder.isAlive());
  }
}

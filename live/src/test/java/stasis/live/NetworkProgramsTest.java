package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Oracle;

/// Servers nobody here wrote, with their clients in one tree, frozen mid-work and brought back: what they say in the end
/// is what an uninterrupted run says. `-Dstasis.live.network=NAME` carries one.
class NetworkProgramsTest {
  private static final Path SOURCES = Path.of("src", "test", "resources", "network").toAbsolutePath();
  private static final String PYTHON = "/usr/bin/python3";
  private static final long BUILD_SECONDS = 180;

  /// How the command line of a work comes to be; it may compile something into the folder.
  private interface Making {
    List<String> command(Path folder) throws IOException;
  }

  /// @param needs a program without which it is skipped
  private record Work(String name, List<String> needs, Making making) {}

  private static final List<Work> WORKS = List.of(
      script("redis with 200 clients", "redis200.py", "/usr/bin/redis-server"),
      script("nginx mid-download", "nginx.py", "/usr/sbin/nginx"),
      script("PostgreSQL mid-transaction", "transaction.py", "/usr/bin/psql", "/usr/bin/setpriv"),
      script("ssh and sshd", "ssh.py", "/usr/sbin/sshd", "/usr/bin/ssh"),
      new Work("node server", List.of("/usr/bin/node"), _ -> web("8000", "/usr/bin/node", source("server.js"))),
      new Work("Java server", List.of(), _ -> web("9000", System.getProperty("java.home") + "/bin/java",
          "-XX:TieredStopAtLevel=1", "-Xmx128m", "-XX:-UsePerfData", source("Server.java"))),
      new Work("Go server", List.of("/usr/bin/go"), folder -> web("30000", compiled(folder, "go", "build", "-o",
          "@", source("server.go")))),
      new Work("Open MPI", List.of("/usr/bin/mpirun", "/usr/bin/mpicc"), folder -> List.of("/bin/sh", "-c",
          // It says which signals it hands on.
          "mpirun --allow-run-as-root --oversubscribe --mca pml ob1 --mca btl tcp,self --mca btl_tcp_if_include lo -n 4 "
          + compiled(folder, "mpicc", "-O1", "-o", "@", source("ring.c")) + " 2> /dev/null; echo $?")));

  private static Work script(String name, String script, String... needs) {
    return new Work(name, List.of(needs), _ -> List.of(PYTHON, "-B", source(script)));
  }

  private static List<String> web(String... arguments) {
    var command = new ArrayList<>(List.of(PYTHON, "-B", source("web.py")));
    command.addAll(List.of(arguments));
    return command;
  }

  private static String source(String name) {
    return SOURCES.resolve(name).toString();
  }

  /// @param command with `@` for what it makes
  private static String compiled(Path folder, String... command) throws IOException {
    String made = Files.createDirectories(folder).resolve("made").toString();
    var builder = new ProcessBuilder(Stream.of(command).map(word -> word.equals("@") ? made : word).toList())
        .redirectErrorStream(true).redirectOutput(folder.resolve("build.log").toFile());
    builder.environment().put("GO111MODULE", "off");
    builder.environment().put("GOCACHE", folder.resolve("cache").toString());
    Process build = builder.start();
    try {
      assertThat(build.waitFor(BUILD_SECONDS, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IOException(e);
    } finally {
      build.destroyForcibly();
    }
    assertThat(build.exitValue()).as(Files.readString(folder.resolve("build.log"))).isZero();
    return made;
  }

  @TestFactory
  Stream<DynamicTest> serversAndClientsFinishAsIfNothingHadHappened(@TempDir Path folder) {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    assumeTrue(Syscalls.call(Nr.GETEUID) == 0, "missing: CAP_NET_ADMIN, for TCP_REPAIR");
    var victims = new Victims();
    var known = new KnownFailures();
    String only = System.getProperty("stasis.live.network", "");
    return WORKS.stream().filter(work -> work.name().contains(only)).map(work -> DynamicTest.dynamicTest(work.name(),
        () -> known.run("network " + work.name(), () -> {
          work.needs().forEach(need -> assumeTrue(Files.isExecutable(Path.of(need)), "needs " + need));
          Path own = folder.resolve(work.name().replace(' ', '-'));
          List<String> command = work.making().command(own.resolve("build"));
          ProgramsTest.carried(victims, Program.of(Path.of(command.getFirst()),
              command.subList(1, command.size()).toArray(String[]::new)), own.resolve("run"));
        })));
  }
}

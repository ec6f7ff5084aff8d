package stasis.kinds.socket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Every socket option the headers name is in the table, or in `options.exceptions` with the reason why it is not.
class OptionHeadersTest {
  private static final String HEADERS = """
      #include <asm/socket.h>
      #include <linux/in.h>
      #include <linux/in6.h>
      #include <linux/tcp.h>
      #include <linux/udp.h>
      """;
  private static final Path EXCEPTIONS = Path.of("src/test/java/stasis/kinds/socket/options.exceptions");
  private static final Path GCC = Path.of("/usr/bin/gcc");

  @Test
  void everyOptionOfTheHeadersIsCarriedOrHasItsReason(@TempDir Path work) throws Exception {
    assumeTrue(Files.isExecutable(GCC), "missing: gcc");
    Set<String> named = named(work);
    assertThat(named).hasSizeGreaterThan(180).contains("SO_MARK", "IP_ADD_MEMBERSHIP", "IPV6_PKTINFO", "TCP_ULP");

    Set<String> unaccounted = new TreeSet<>(named);
    unaccounted.removeAll(table());
    unaccounted.removeAll(exceptions().keySet());

    assertThat(unaccounted).as("options that are neither carried nor excepted").isEmpty();
  }

  @Test
  void noExceptionIsCarriedAndEachHasItsReason() throws IOException {
    assertThat(exceptions().keySet()).doesNotContainAnyElementsOf(table());
    assertThat(exceptions().values()).noneMatch(String::isBlank);
  }

  private static Set<String> table() {
    return OptionTable.all().stream().map(OptionTable.Row::label).collect(Collectors.toSet());
  }

  private static Map<String, String> exceptions() throws IOException {
    var reasons = new TreeMap<String, String>();
    for (String line : Files.readAllLines(EXCEPTIONS, StandardCharsets.UTF_8)) {
      if (!line.isBlank() && !line.startsWith("#")) {
        String[] parts = line.split(": ", 2);
        for (String name : parts[0].split(" ", -1)) {
          reasons.put(name, parts[1]);
        }
      }
    }
    return reasons;
  }

  private static Set<String> named(Path work) throws IOException, InterruptedException {
    Path source = Files.writeString(work.resolve("options.c"), HEADERS);
    Path macros = work.resolve("macros");
    Process gcc = new ProcessBuilder(GCC.toString(), "-dM", "-E", source.toString())
        .redirectOutput(macros.toFile()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    assertThat(gcc.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return Files.readAllLines(macros, StandardCharsets.ISO_8859_1).stream().map(line -> line.split(" ", 3))
        .filter(words -> words.length == 3 && words[1].matches("(SO|IP|IPV6|MCAST|TCP|UDP|UDPLITE)_[A-Z0-9_]+"))
        .map(words -> words[1]).collect(Collectors.toCollection(TreeSet::new));
  }
}

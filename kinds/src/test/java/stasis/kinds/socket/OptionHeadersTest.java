package stasis.kinds.socket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Every socket option that the headers name, or this kernel knows, is in the table, or in `options.exceptions` with the
/// reason why it is not.
class OptionHeadersTest {
  private static final String HEADERS = """
      #include <asm/socket.h>
      #include <linux/in.h>
      #include <linux/in6.h>
      #include <linux/tcp.h>
      #include <linux/udp.h>
      """;
  private static final Path EXCEPTIONS = Path.of("src/test/java/stasis/kinds/socket/options.exceptions");
  /// Family, type and protocol of each sort of socket.
  private static final List<List<Integer>> SORTS = List.of(List.of(2, 1, 6), List.of(10, 1, 6), List.of(2, 1, 262),
      List.of(2, 2, 17), List.of(10, 2, 17), List.of(2, 2, 136), List.of(10, 2, 136), List.of(2, 3, 253),
      List.of(10, 3, 253), List.of(2, 2, 1), List.of(10, 2, 58));
  private static final Map<Integer, List<String>> LEVELS = Map.of(1, List.of("SO_"), 0, List.of("IP_", "MCAST_"), 41,
      List.of("IPV6_", "MCAST_"), 6, List.of("TCP_"), 17, List.of("UDP_"), 136, List.of("UDPLITE_", "UDP_"));
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

  /// What is not known is ENOPROTOOPT or EOPNOTSUPP, however it is asked for or set.
  @Test
  void everyOptionThisKernelKnowsIsCarriedOrHasItsReason(@TempDir Path work) throws Exception {
    assumeTrue(Files.isExecutable(GCC), "missing: gcc");
    Set<String> excepted = new TreeSet<>(exceptions().keySet());
    excepted.removeAll(exceptions(section -> section.equals("# No options.")).keySet());
    Map<String, Set<String>> names = numbers(work);
    Set<String> carried = OptionTable.all().stream().map(row -> row.level() + "/" + row.name())
        .collect(Collectors.toSet());
    Set<String> known = KernelOptions.of(GCC, work, SORTS, LEVELS.keySet());
    assertThat(known).hasSizeGreaterThan(150).contains("1/36", "6/18");

    known.removeAll(carried);
    known.removeIf(option -> excepted.contains(option)
        || names.getOrDefault(option, Set.of()).stream().anyMatch(excepted::contains));

    assertThat(known).as("options of this kernel, as level and number, that are neither carried nor excepted").isEmpty();
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
    return exceptions(_ -> true);
  }

  private static Map<String, String> exceptions(Predicate<String> wanted) throws IOException {
    var section = "";
    var reasons = new TreeMap<String, String>();
    for (String line : Files.readAllLines(EXCEPTIONS, StandardCharsets.UTF_8)) {
      if (line.startsWith("#")) {
        section = line;
      } else if (!line.isBlank() && wanted.test(section)) {
        String[] parts = line.split(": ", 2);
        for (String name : parts[0].split(" ", -1)) {
          reasons.put(name, parts[1]);
        }
      }
    }
    return reasons;
  }

  /// Names by level and number. Some are values of options: those have a section of their own.
  private static Map<String, Set<String>> numbers(Path work) throws IOException, InterruptedException {
    var names = new TreeMap<String, Set<String>>();
    for (String[] words : macros(work)) {
      LEVELS.forEach((level, prefixes) -> {
        if (words[2].matches("[0-9]+") && prefixes.stream().anyMatch(words[1]::startsWith)) {
          names.computeIfAbsent(level + "/" + words[2], _ -> new TreeSet<>()).add(words[1]);
        }
      });
    }
    return names;
  }

  private static Set<String> named(Path work) throws IOException, InterruptedException {
    return macros(work).stream().map(words -> words[1]).collect(Collectors.toCollection(TreeSet::new));
  }

  private static List<String[]> macros(Path work) throws IOException, InterruptedException {
    Path source = Files.writeString(work.resolve("options.c"), HEADERS);
    Path macros = work.resolve("macros");
    Process gcc = new ProcessBuilder(GCC.toString(), "-dM", "-E", source.toString())
        .redirectOutput(macros.toFile()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    assertThat(gcc.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return Files.readAllLines(macros, StandardCharsets.ISO_8859_1).stream().map(line -> line.split(" ", 3))
        .filter(words -> words.length == 3 && words[1].matches("(SO|IP|IPV6|MCAST|TCP|UDP|UDPLITE)_[A-Z0-9_]+"))
        .toList();
  }
}

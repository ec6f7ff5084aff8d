package stasis.linux.abi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/// Every syscall number is the one in the kernel's installed headers.
final class NrTest {
  private static final Path X86_64 = Path.of("/usr/include/x86_64-linux-gnu/asm/unistd_64.h");
  private static final Path GENERIC = Path.of("/usr/include/asm-generic/unistd.h");
  private static final Pattern DEFINE = Pattern.compile("#define\\s+(__NR(?:3264)?_\\w+)\\s+(\\w+)\\s*");
  /// Names from here on are younger than the headers of some distributions; their number is the same everywhere.
  private static final int COMMON_FROM = 424;

  @Test
  void theX8664ColumnIsThatOfTheInstalledHeader() throws IOException {
    assumeTrue(Files.exists(X86_64), "needs " + X86_64 + " (linux-libc-dev)");
    compare(Arch.X86_64, numbers(X86_64));
  }

  @Test
  void theAarch64ColumnIsThatOfTheInstalledGenericHeader() throws IOException {
    assumeTrue(Files.exists(GENERIC), "needs " + GENERIC + " (linux-libc-dev)");
    compare(Arch.AARCH64, numbers(GENERIC));
  }

  @Test
  void noTwoCallsShareANumber() {
    for (Arch arch : Arch.values()) {
      var seen = new HashSet<Integer>();
      for (Nr nr : Nr.values()) {
        assertThat(seen.add(nr.on(arch))).as("%s on %s", nr, arch).isTrue();
      }
    }
  }

  @Test
  void callsAddedForAllArchitecturesAtOnceHaveOneNumber() {
    for (Nr nr : Nr.values()) {
      if (nr.on(Arch.X86_64) >= COMMON_FROM || nr.on(Arch.AARCH64) >= COMMON_FROM) {
        assertThat(nr.on(Arch.X86_64)).as(nr.kernelName()).isEqualTo(nr.on(Arch.AARCH64));
      }
    }
  }

  private static void compare(Arch arch, Map<String, Integer> header) {
    int newest = header.values().stream().mapToInt(Integer::intValue).max().orElseThrow();
    var expected = new TreeMap<String, Integer>();
    var actual = new TreeMap<String, Integer>();
    for (Nr nr : Nr.values()) {
      Optional<Integer> number = Optional.ofNullable(header.get(nr.kernelName()));
      if (number.isEmpty()) {
        assertThat(nr.on(arch)).as("%s is not in the header, so it must be younger", nr).isGreaterThan(newest);
        continue;
      }
      expected.put(nr.kernelName(), number.get());
      actual.put(nr.kernelName(), nr.on(arch));
    }
    assertThat(actual).isEqualTo(expected);
    assertThat(expected).hasSizeGreaterThan(250);
  }

  /// In the generic header some calls are numbered as `__NR3264_NAME`, and the 64-bit name is an alias to that.
  private static Map<String, Integer> numbers(Path header) throws IOException {
    var numbered = new HashMap<String, Integer>();
    var aliases = new HashMap<String, String>();
    for (String line : Files.readAllLines(header)) {
      var define = DEFINE.matcher(line);
      if (!define.matches()) {
        continue;
      }
      String value = define.group(2);
      if (value.matches("\\d+")) {
        numbered.put(define.group(1), Integer.parseInt(value));
      } else {
        // first come: #if __BITS_PER_LONG == 64 has its names before the 32-bit ones
        aliases.putIfAbsent(define.group(1), value);
      }
    }
    aliases.forEach((name, value) -> Optional.ofNullable(numbered.get(value)).ifPresent(n -> numbered.put(name, n)));
    var names = new HashMap<String, Integer>();
    numbered.forEach((name, number) -> {
      if (name.startsWith("__NR_")) {
        names.put(name.substring(5), number);
      }
    });
    names.remove("syscalls");
    names.remove("arch_specific_syscall");
    return names;
  }
}

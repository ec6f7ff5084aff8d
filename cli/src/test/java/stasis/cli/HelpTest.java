package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What every verb has: help with an example, a manual page.
final class HelpTest {
  private final FakeEngine engine = new FakeEngine();

  private CommandLineRun run(String... words) {
    return CommandLineRun.of(engine, words);
  }

  private List<String> verbs() {
    List<String> verbs = Pattern.compile("^  ([a-z]+)  ", Pattern.MULTILINE).matcher(run("--help").out()).results()
        .map(found -> found.group(1)).toList();
    assertThat(verbs).contains("checkpoint", "restore", "keygen", "man", "doctor").hasSizeGreaterThan(17);
    return verbs;
  }

  @Test
  void everyVerbHasHelpWithAnExample() {
    for (String verb : verbs()) {
      for (String flag : List.of("-h", "--help")) {
        CommandLineRun help = run(verb, flag);
        assertThat(help.status()).as(verb).isZero();
        assertThat(help.out()).as(verb).startsWith("Usage: stasis " + verb).contains("Example")
            .containsPattern("stasis " + verb + "|stasis <\\(|completion").doesNotContain("\u001b");
        assertThat(help.out().lines()).as(verb).allMatch(line -> line.length() <= 130);
      }
    }
  }

  @Test
  void everyVerbHasAManualPageThatSaysAllThatItsHelpSays(@TempDir Path folder) throws IOException {
    assertThat(run("man", "--to", folder.toString()).status()).isZero();
    for (String verb : verbs()) {
      String page = Files.readString(folder.resolve("stasis-" + verb + ".1"));
      assertThat(page).startsWith(".TH STASIS-" + verb.toUpperCase(Locale.ROOT) + " 1 ")
          .contains(".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH NOTES").doesNotContain("${");
      Pattern.compile("--[a-z][a-z-]+").matcher(run(verb, "--help").out().replaceAll("(?s)\nExample.*", "")).results()
          .forEach(option -> assertThat(page).contains(option.group().replace("-", "\\-")));
      assertThat(run("man", verb).out()).isEqualTo(page);
    }
    assertThat(Files.readString(folder.resolve("stasis.1"))).contains(".SH VERBS", "checkpoint");
    assertThat(run("man", "nothing").status()).isEqualTo(2);
  }

  @Test
  void manRendersEveryPageWithoutComplaint(@TempDir Path folder) throws IOException, InterruptedException {
    assumeTrue(Stream.of("/usr/bin/man").map(Path::of).allMatch(Files::isExecutable), "needs man");
    assertThat(run("man", "--to", folder.toString()).status()).isZero();
    ProcessBuilder man = new ProcessBuilder("man", "--warnings=all", "-l", folder.resolve("stasis-checkpoint.1")
        .toString()).redirectErrorStream(true);
    man.environment().put("MANPAGER", "cat");
    man.environment().put("LC_ALL", "C.UTF-8");
    Process rendered = man.start();
    String text = new String(rendered.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(rendered.waitFor()).isZero();
    assertThat(text).contains("--leave-running").doesNotContain("warning");
  }

  @Test
  void colourIsForTerminalsAndNotWhereNoColorIsSet() {
    assertThat(Console.of(true, Map.of()).colour()).isTrue();
    assertThat(Console.of(true, Map.of("NO_COLOR", "1")).paint("31", "x")).isEqualTo("x");
    assertThat(Console.of(false, Map.of()).colour()).isFalse();
  }

  @Test
  void quietVerbsSayNothingButErrors() {
    for (String line : List.of("checkpoint 4711 --image /i --quiet", "restore /i --quiet")) {
      CommandLineRun done = run(line.split(" "));
      assertThat(done.out()).as(line).isEmpty();
      assertThat(done.err()).as(line).isEqualTo("stasis: a warning\n");
    }
  }
}

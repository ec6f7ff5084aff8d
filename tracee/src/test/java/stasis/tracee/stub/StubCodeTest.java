package stasis.tracee.stub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;

final class StubCodeTest {
  private static final Path DOCUMENT = Path.of("..", "docs", "restore-program.md");

  @Test
  void theBytesPrintedInTheDocumentAreTheCode() throws IOException {
    assertThat(block("text").replaceAll("\\s", "")).isEqualTo(StubCode.plain().toHex());
  }

  @Test
  void theListingInTheDocumentAssemblesToTheCodeWithItsLabelsWhereTheyAreSaidToBe(@TempDir Path directory)
      throws IOException, InterruptedException {
    assumeTrue(present("as") && present("objcopy") && present("nm"), "missing: gcc (GNU as, objcopy, nm)");
    Files.writeString(directory.resolve("stub.s"), block("asm"));
    run(directory, "as", "-o", "stub.o", "stub.s");
    run(directory, "objcopy", "-O", "binary", "-j", ".text", "stub.o", "stub.bin");
    assertThat(Bytes.of(Files.readAllBytes(directory.resolve("stub.bin")))).isEqualTo(StubCode.plain());
    Map<String, Integer> labels = new TreeMap<>();
    for (String line : run(directory, "nm", "stub.o").split("\n")) {
      labels.put(line.substring(19), Integer.parseInt(line.substring(8, 16), 16));
    }
    assertThat(labels).containsEntry("stub", StubCode.STUB).containsEntry("wait", StubCode.WAIT)
        .containsEntry("gadget", StubCode.GADGET).containsEntry("runner", StubCode.RUNNER)
        .containsEntry("trap", StubCode.TRAP).containsEntry("init", StubCode.INIT)
        .containsEntry("keeper", StubCode.KEEPER).containsEntry("parameters", StubCode.PARAMETERS);
    for (String row : Files.readAllLines(DOCUMENT)) {
      if (row.matches("\\| [a-z]+ \\| 0x[0-9a-f]+ \\|")) {
        String[] cells = row.split("[| ]+");
        assertThat(labels).containsEntry(cells[1], Integer.decode(cells[2]));
      }
    }
  }

  @Test
  void theElfIsWhatReadelfTakesForAnExecutableOfOnePage(@TempDir Path directory)
      throws IOException, InterruptedException {
    assumeTrue(present("readelf"), "missing: gcc (readelf)");
    var image = new StubImage(new RemoteAddress(0x4567_8000L));
    Files.write(directory.resolve("stub"), image.file(StubCode.forStub(1), StubCode.STUB).toArray());
    String headers = run(directory, "readelf", "-hlW", "stub");
    assertThat(headers).contains("EXEC (Executable file)", "X86-64", "Entry point address:               0x45678080")
        .containsPattern("LOAD +0x000000 0x0*45678000 0x0*45678000 0x001000 0x001000 R E 0x1000")
        .doesNotContain("Warning").doesNotContain("Error");
  }

  /// The document's code block of one language.
  private static String block(String language) throws IOException {
    String text = Files.readString(DOCUMENT);
    int start = text.indexOf("```" + language + "\n") + language.length() + 4;
    return text.substring(start, text.indexOf("\n```", start) + 1);
  }

  private static boolean present(String tool) {
    return Files.isExecutable(Path.of("/usr/bin", tool));
  }

  private static String run(Path directory, String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(List.of(command)).directory(directory.toFile()).redirectErrorStream(true)
        .start();
    String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.ISO_8859_1);
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
    return output;
  }
}

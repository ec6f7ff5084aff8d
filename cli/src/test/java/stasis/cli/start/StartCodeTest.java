package stasis.cli.start;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;

/// What a start-up image begins with, and the lists its code runs.
final class StartCodeTest {
  private static final Path DOCUMENT = Path.of("..", "docs", "designs", "warm-start.md");

  @Test
  void theBytesPrintedInTheDocumentAreTheCode() throws IOException {
    assertThat(block("text").replaceAll("\\s", "")).isEqualTo(StartCode.CODE.toHex());
  }

  @Test
  void theListingInTheDocumentAssemblesToTheCode(@TempDir Path folder) throws IOException, InterruptedException {
    assumeTrue(present("as") && present("objcopy"), "missing: gcc (GNU as, objcopy)");
    Files.writeString(folder.resolve("start.s"), block("asm"));
    run(folder, "as", "-o", "start.o", "start.s");
    run(folder, "objcopy", "-O", "binary", "-j", ".text", "start.o", "start.bin");

    assertThat(Bytes.of(Files.readAllBytes(folder.resolve("start.bin")))).isEqualTo(StartCode.CODE);
  }

  @Test
  void theHeadIsWhatReadelfTakesForAnExecutableWithoutWritableCode(@TempDir Path folder)
      throws IOException, InterruptedException {
    assumeTrue(present("readelf"), "missing: gcc (readelf)");
    ByteBuffer file = ByteBuffer.allocate(StartElf.PAGE_BYTES + StartData.BYTES).put(StartElf.head());
    Files.write(folder.resolve("start"), file.array());

    assertThat(run(folder, "readelf", "-hlW", "start"))
        .contains("EXEC (Executable file)", "X86-64", "Entry point address:               0x200200")
        .containsPattern("LOAD +0x000000 0x0*200000 0x0*200000 0x001000 0x001000 R E 0x1000")
        .containsPattern("LOAD +0x001000 0x0*201000 0x0*201000 0x100000 0x100000 RW  0x1000")
        .containsPattern("GNU_STACK .* RW ")
        .doesNotContain("Warning").doesNotContain("Error");
  }

  @Test
  void aListSaysForEachArgumentWhetherItIsTheValueOrWhereItLies() {
    StartCalls calls = new StartCalls();
    StartCalls.Operand.Result fd = calls.call(Nr.DUP, StartCalls.value(1));
    calls.exactly(7, Nr.FCNTL, fd, StartCalls.value(2), new StartCalls.Operand.At(0x5000));
    calls.move(StartCalls.value(0x6000), new StartCalls.Operand.Where(0), 4);
    ByteBuffer written = ByteBuffer.allocate(calls.count() * StartCalls.BYTES).order(ByteOrder.LITTLE_ENDIAN);

    calls.write(written, 0x10000);

    assertThat(written.hasRemaining()).isFalse();
    assertThat(written.getInt(0)).isEqualTo(32);
    assertThat(written.get(5)).as("no error").isEqualTo((byte) 1);
    assertThat(written.getShort(64 + 6)).as("the first and third are addresses").isEqualTo((short) 0b010001);
    assertThat(written.getLong(64 + 8)).as("where the first call's result lies").isEqualTo(0x10000 + 56);
    assertThat(written.getLong(64 + 24)).isEqualTo(0x5000);
    assertThat(written.getLong(64 + 56)).as("what it must give").isEqualTo(7);
    assertThat(written.get(128 + 4)).as("a move").isEqualTo((byte) 1);
    assertThat(written.getLong(128 + 16)).as("of the result itself, by its address").isEqualTo(0x10000 + 56);
    assertThat(written.getShort(128 + 6)).isZero();
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

  private static String run(Path folder, String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(List.of(command)).directory(folder.toFile()).redirectErrorStream(true)
        .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
    return output;
  }
}

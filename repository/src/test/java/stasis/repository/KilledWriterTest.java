package stasis.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Writers that die, and devices that refuse. Each writer is a process of its own.
@Timeout(120)
class KilledWriterTest {
  private static final int EVERY_STEP = 100;

  @TempDir
  private Path temp;

  private static List<String> command(Path folder, String mode, long pageBytes) {
    return List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1",
        "-cp", System.getProperty("java.class.path"), WriterProcess.class.getName(), folder.toString(), mode,
        Long.toString(pageBytes));
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  /// Lets a writer take so many steps and kills it.
  ///
  /// @return the last step it reached; `END` when it had ended by itself
  private static String killAfter(int steps, Path folder) throws Exception {
    Process writer = new ProcessBuilder(command(folder, "step", WriterProcess.PAGE_BYTES))
        .redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try (BufferedReader out = writer.inputReader(StandardCharsets.US_ASCII);
        OutputStream in = writer.getOutputStream()) {
      String step = out.readLine();
      for (int i = 0; i < steps && !"END".equals(step); i++) {
        in.write('\n');
        in.flush();
        step = out.readLine();
      }
      kill(writer); // before its stdin is closed, at which it would end in an orderly way
      return String.valueOf(step);
    }
  }

  private static void kill(Process writer) throws InterruptedException {
    writer.destroyForcibly();
    writer.waitFor();
  }

  @Test
  void aWriterKilledAtAnyStepLeavesNoImageOrAWholeOne() throws Exception {
    List<String> reached = new ArrayList<>();
    for (int steps = 0; steps < EVERY_STEP && !reached.contains("END"); steps++) {
      Path folder = temp.resolve("after" + steps);
      String last = killAfter(steps, folder);
      reached.add(last);
      boolean named = List.of("RENAMED", "FOLDER_SYNCED", "END").contains(last);
      assertThat(ImageStore.holdsImage(folder)).as(last).isEqualTo(named);
      if (named) {
        try (ImageReader image = ImageReader.open(folder)) {
          image.verifyPages(1);
        }
      } else {
        assertThatThrownBy(() -> ImageReader.open(folder)).hasMessageContaining("holds no image");
        assertThat(names(folder)).as(last).allMatch(name -> name.startsWith(".statefile."));
      }
      try (ImageWriter next = ImageStore.create(folder, true)) {
        assertThat(ImageStore.partials(folder)).as(last).hasSize(1); // its own: the dead one's is gone
        next.pages();
      } catch (IllegalStateException e) {
        assertThat(e).hasMessage("the metadata comes before the pages");
      }
      assertThat(names(folder)).as(last).isEqualTo(named ? List.of("statefile") : List.of());
    }
    assertThat(reached).contains("LOCKED", "LEFTOVERS_GONE", "CREATED", "METADATA_WRITTEN", "PAGES_0", "PAGES_WRITTEN",
        "TRAILER_WRITTEN", "SYNCED", "EXAMINING", "CHECKED", "RENAMED", "FOLDER_SYNCED", "END");
  }

  @Test
  void aLivingWriterOfAnotherProcessKeepsItsFolder() throws Exception {
    Process writer = new ProcessBuilder(command(temp, "step", WriterProcess.PAGE_BYTES))
        .redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try (BufferedReader out = writer.inputReader(StandardCharsets.US_ASCII)) {
      assertThat(out.readLine()).isEqualTo("LOCKED");

      assertThatThrownBy(() -> ImageStore.create(temp, true)).isInstanceOf(ImageException.class)
          .hasMessage("another checkpoint is being written to " + temp + "; wait for it, or choose another folder");
      kill(writer);
    }
    ImageStore.create(temp, true).close();
  }

  /// Runs a shell script in a mount namespace of its own; `$@` is the writer's command line.
  private static String inMountNamespace(String script, List<String> writer) throws Exception {
    List<String> command = new ArrayList<>(List.of("unshare", "--mount", "--map-root-user", "sh", "-ec", script, "sh"));
    command.addAll(writer);
    Process shell = new ProcessBuilder(command).redirectErrorStream(true).start();
    shell.getOutputStream().close();
    String output = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(shell.waitFor(60, TimeUnit.SECONDS)).isTrue();
    Assumptions.assumeFalse(output.contains("unshare:"), "needs user and mount namespaces: " + output);
    return output;
  }

  @Test
  void aDeviceTooSmallIsRefusedBeforeAnythingIsWritten() throws Exception {
    String output = inMountNamespace("mount -t tmpfs -o size=2m none " + temp + "; \"$@\"; ls -A " + temp,
        command(temp, "run", 4 << 20));

    assertThat(output).contains("DEVICE: the image needs 5 MiB and " + temp
        + " has 2 MiB free; free space there or choose a folder on another device").endsWith("END\n");
  }

  @Test
  void aDeviceThatFillsUpMeanwhileIsNamedAndCleanedUp() throws Exception {
    String output = inMountNamespace("mount -t tmpfs -o size=6m none " + temp + "; \"$@\"; ls -A " + temp,
        command(temp, "fill", 4 << 20));

    assertThat(output).contains("DEVICE: cannot write pages in " + temp
        + ": no space left on the device; free space there or choose a folder on another device").endsWith("other\n");
  }

  @Test
  void aFolderThatCannotBeWrittenIsNamed() throws Exception {
    String output = inMountNamespace("mount -t tmpfs -o ro none " + temp + "; \"$@\"", command(temp, "run", 0));

    assertThat(output).contains("NO_ACCESS: cannot lock the folder to write an image in " + temp
        + ": read-only file system; choose a folder that can be written to");
  }

  @Test
  void aFolderOfSomeoneElseIsNamed() throws Exception {
    String output = inMountNamespace("chmod 555 " + temp + "; exec setpriv --bounding-set=-all --inh-caps=-all "
        + "--no-new-privs \"$@\"", command(temp.resolve("new"), "run", 0));
    inMountNamespace("chmod 755 " + temp, List.of());
    Assumptions.assumeFalse(output.contains("setpriv:"), "needs setpriv: " + output);

    assertThat(output).contains("NO_ACCESS: cannot make the image folder in " + temp
        + "/new: permission denied; choose a folder that this user may write to");
  }

  @Test
  void aPathThatIsAFileIsNamed() throws Exception {
    Path file = Files.createFile(temp.resolve("file"));

    assertThatThrownBy(() -> ImageStore.create(file, false)).isInstanceOf(ImageException.class)
        .hasMessage("cannot make the image folder in " + file + ": not a directory; choose another folder");
    assertThatThrownBy(() -> ImageStore.create(temp.resolve("no/parent"), false))
        .hasMessage("cannot make the image folder in " + temp
            + "/no/parent: no such file or directory; check the path");
  }
}

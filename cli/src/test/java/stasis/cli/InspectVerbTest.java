package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.image.Certificate;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Statefile;
import stasis.image.StatefileHeader;
import stasis.image.StoredObject;
import stasis.image.Tag;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.RemoteAddress;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;
import stasis.repository.ImageStore;
import stasis.repository.ImageWriter;
import stasis.resource.FilesState;
import stasis.resource.MmState;
import stasis.resource.TaskState;
import stasis.resource.VmaState;

final class InspectVerbTest {
  record Anonymous(@Tag(1) String what) {}

  private static final Schema<TaskState> TASK = Schema.of(MethodHandles.lookup(), TaskState.class, "core.task", 1);
  private static final Schema<MmState> MM = Schema.of(MethodHandles.lookup(), MmState.class, "core.mm", 1);
  private static final Schema<FilesState> FILES = Schema.of(MethodHandles.lookup(), FilesState.class, "core.files", 1);
  private static final Schema<Anonymous> BODY =
      Schema.of(MethodHandles.lookup(), Anonymous.class, "file.regular", 1);

  private final FakeEngine engine = new FakeEngine();
  @TempDir private Path image = Path.of("");

  @BeforeEach
  void anImageOfOneTask() throws ImageException {
    ObjectId task = new ObjectId(1);
    ObjectId mm = new ObjectId(2);
    ObjectId files = new ObjectId(3);
    ObjectId file = new ObjectId(4);
    VmaState vma = new VmaState(new RemoteAddress(0x400000), 8192, VmaState.PROT_READ | VmaState.PROT_EXEC, false, 0,
        "rd ex", "", file);
    StatefileHeader header = new StatefileHeader(List.of(), List.of(), Arch.X86_64, 4096, "6.18", "boot", "host", 0,
        Bytes.zeros(32), 1, 2, 3, "0.1.0");
    Statefile statefile = new Statefile(header,
        List.of(TASK.descriptor(), MM.descriptor(), FILES.descriptor(), BODY.descriptor()),
        List.of(
            StoredObject.of(task, TASK,
                new TaskState(List.of(4711), task, task, mm, files, 4711, 4711, 17, "xz", 0, false),
                Optional.empty()),
            StoredObject.of(mm, MM, MmState.alone(List.of(vma), List.of()), Optional.empty()),
            StoredObject.of(files, FILES,
                new FilesState(List.of(new FilesState.Entry(new Fd(3), true, file))), Optional.empty()),
            StoredObject.of(file, BODY, new Anonymous("/tmp/x\u001b[31m"), Optional.empty())),
        List.of(FakeEngine.EXACT), List.of());
    try (ImageWriter writer = ImageStore.create(image, true)) {
      writer.writeMetadata(statefile.encode(), 0);
      writer.commit(_ -> {});
    }
  }

  @Test
  void aCertificateIsShownWhereThereIsOne() throws ImageException {
    assertThat(CommandLineRun.of(engine, "inspect", image.toString(), "certificate").err())
        .contains("no certificate", "--verify");
    Bytes metadata;
    try (ImageReader reader = ImageReader.open(image)) {
      metadata = reader.metadata();
    }
    try (ImageWriter writer = ImageStore.create(image, true)) {
      writer.writeMetadata(metadata, 0);
      writer.commit((ImageReader _) -> writer.certify(new Certificate("0.1.0", "6.18", "CPU 9", 0, 2_000_000,
          Certificate.digest(metadata), 1, List.of(new Certificate.Compared("core.task", 1, 0)), 8192,
          Bytes.zeros(32), List.of(new Certificate.Unproven("task 4711 fd 3", "file.regular", "its locks")))
          .encode()));
    }

    assertThat(CommandLineRun.of(engine, "inspect", image.toString(), "certificate").out())
        .contains("Linux 6.18, CPU 9", "core.task", "task 4711 fd 3", "its locks");
    assertThat(CommandLineRun.of(engine, "inspect", image.toString()).out())
        .contains("certificate: restored and compared on Linux 6.18");
    assertThat(CommandLineRun.of(engine, "inspect", image.toString(), "--json").out()).contains("\"unproven\"");
  }

  @Test
  void psListsTasks() {
    assertThat(CommandLineRun.of(engine, "inspect", image.toString()).out().lines().toList().get(1).split(" +"))
        .containsExactly("4711", "4711", "4711", "4711", "4711", "2", "xz");
  }

  @Test
  void pmapListsVmasWithTheirBacking() {
    assertThat(CommandLineRun.of(engine, "inspect", image.toString(), "pmap").out())
        .contains("of 4711\n").contains("r-xp").contains("file.regular");
  }

  @Test
  void lsofListsFilesAndLetsNoPathObeyTheTerminal() {
    CommandLineRun run = CommandLineRun.of(engine, "inspect", image.toString(), "lsof");

    assertThat(run.out()).contains("4711", "true", "file.regular", "/tmp/x").doesNotContain("\u001b");
  }

  @Test
  void showPrintsEverything() {
    assertThat(CommandLineRun.of(engine, "inspect", image.toString(), "show").out())
        .contains("core.task v1", "core.mm v1", "kernelRelease", "6.18");
  }

  @Test
  void jsonHoldsTheObjectsOfTheView() {
    String json = CommandLineRun.of(engine, "inspect", image.toString(), "lsof", "--json").out();

    assertThat(json).contains("\"kind\": \"core.files\"", "\"kind\": \"file.regular\"").doesNotContain("core.task");
  }

  @Test
  void aFolderWithoutImageAndADamagedImageAreToldInOneSentence() throws IOException {
    CommandLineRun none = CommandLineRun.of(engine, "inspect", "/proc");
    Path statefile = image.resolve(ImageStore.STATEFILE);
    byte[] bytes = Files.readAllBytes(statefile);
    bytes[100] ^= 1;
    Files.write(statefile, bytes);
    CommandLineRun damaged = CommandLineRun.of(engine, "inspect", image.toString());

    assertThat(none.status()).isEqualTo(4);
    assertThat(none.err().lines()).hasSize(1);
    assertThat(damaged.status()).isEqualTo(4);
    assertThat(damaged.err().lines()).hasSize(1);
  }
}

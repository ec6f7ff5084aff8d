package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.invoke.MethodHandles;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.image.ObjectId;
import stasis.image.PageMap;
import stasis.image.PageRun;
import stasis.image.PageRuns;
import stasis.image.Schema;
import stasis.image.Statefile;
import stasis.image.StatefileHeader;
import stasis.image.StoredObject;
import stasis.image.Tag;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.RemoteAddress;
import stasis.repository.ImageContent;
import stasis.repository.ImageException;
import stasis.repository.ImageFacts;
import stasis.repository.ImageWriter;
import stasis.repository.Repository;
import stasis.resource.FilesState;
import stasis.resource.MmState;
import stasis.resource.TaskState;
import stasis.resource.VmaState;

/// Questions to the memory of images, here of one task with three pages: zeros, text, zeros.
final class InspectMemoryTest {
  private static final long START = 0x400000;

  record Empty() {}

  record Layout(@Tag(1) long argStart, @Tag(2) long argEnd, @Tag(3) long envStart, @Tag(4) long envEnd) {}

  record Mm(@Tag(1) Layout layout) {}

  record Socket(@Tag(1) Bytes local, @Tag(2) String phase, @Tag(3) int backlog, @Tag(4) int waiting) {}

  private static final Schema<TaskState> TASK = Schema.of(MethodHandles.lookup(), TaskState.class, "core.task", 1);
  private static final Schema<MmState> MM = Schema.of(MethodHandles.lookup(), MmState.class, "core.mm", 1);
  private static final Schema<FilesState> FILES = Schema.of(MethodHandles.lookup(), FilesState.class, "core.files", 1);
  private static final Schema<Empty> ANONYMOUS =
      Schema.of(MethodHandles.lookup(), Empty.class, "mapping.anonymous", 1);
  private static final Schema<Mm> GROUP_MM = Schema.of(MethodHandles.lookup(), Mm.class, "group.mm", 1);
  private static final Schema<Socket> TCP = Schema.of(MethodHandles.lookup(), Socket.class, "file.tcp", 1);

  private final FakeEngine engine = new FakeEngine();
  @TempDir private Path temp = Path.of("");
  private String repo = "";

  @BeforeEach
  void twoImages() throws ImageException {
    repo = temp.resolve("repo").toString();
    write("server\0-v\0HOME=/root\0\u001b[31m\0pass: needle\0");
    write("server\0-v\0HOME=/root\0\u001b[31m\0pass: NEEDLE\0");
  }

  private void write(String text) throws ImageException {
    ObjectId task = new ObjectId(1);
    ObjectId mm = new ObjectId(2);
    ObjectId files = new ObjectId(3);
    ObjectId backing = new ObjectId(4);
    ObjectId socket = new ObjectId(6);
    VmaState vma = new VmaState(new RemoteAddress(START), 3 * 4096, VmaState.PROT_READ, false, 0, "rd", "", backing);
    Statefile statefile = new Statefile(new StatefileHeader(List.of(), List.of(), Arch.X86_64, 4096, "6.18", "boot",
        "host", 0, Bytes.zeros(32), 1, 2, 3, "0.1.0"), List.of(TASK.descriptor(), MM.descriptor(), FILES.descriptor(),
        ANONYMOUS.descriptor(), GROUP_MM.descriptor(), TCP.descriptor()),
        List.of(StoredObject.of(task, TASK, new TaskState(List.of(4711), task, task, mm, files, 4711, 4711, 17, "xz",
            0, false), Optional.empty()),
            StoredObject.of(mm, MM, MmState.alone(List.of(vma), List.of()), Optional.empty()),
            StoredObject.of(files, FILES, new FilesState(List.of(new FilesState.Entry(new Fd(3), true, socket))),
                Optional.empty()),
            StoredObject.of(backing, ANONYMOUS, new Empty(), Optional.empty()),
            StoredObject.of(new ObjectId(5), GROUP_MM, new Mm(new Layout(START + 4096, START + 4106, START + 4106,
                START + 4123)), Optional.of(task)),
            StoredObject.of(socket, TCP, new Socket(Bytes.hex("02001f907f0000010000000000000000"), "LISTENING", 5, 1),
                Optional.empty())), List.of(),
        List.of(new PageMap(mm, PageRuns.of(List.of(new PageRun(START + 4096, 4096, 0))))));
    byte[] page = new byte[4096];
    byte[] words = text.getBytes(StandardCharsets.ISO_8859_1);
    System.arraycopy(words, 0, page, 0, words.length);
    try (ImageWriter writer = Repository.destination(Path.of(repo), "it").begin(_ -> { })) {
      writer.writeMetadata(new ImageContent(statefile.encode(), 4096, List.of(), ImageFacts.NONE));
      writer.pages().write(ByteBuffer.wrap(page));
      writer.commit(_ -> { });
    }
  }

  private CommandLineRun run(String... words) {
    String[] all = new String[words.length + 2];
    System.arraycopy(words, 0, all, 0, words.length);
    all[words.length] = "--repo";
    all[words.length + 1] = repo;
    return CommandLineRun.of(engine, all);
  }

  @Test
  void psShowsTheCommandLineAndEnvTheEnvironmentWithoutObeyingIt() {
    assertThat(run("inspect", "it@1", "ps").out()).contains("server -v");
    assertThat(run("inspect", "it@1", "env").out()).contains("4711  HOME=/root", "\\x1b[31m").doesNotContain("\u001b");
  }

  @Test
  void grepFindsTextAndBytesWithAddressAndOwner() {
    assertThat(run("inspect", "it@1", "grep", "needle").out().lines().toList().get(1))
        .contains("4711", "0x401021", "mapping.anonymous", "needle");
    assertThat(run("inspect", "it@1", "grep", "hex:7061737300").out().lines()).hasSize(1);
    assertThat(run("inspect", "it@1", "grep", "hex:706173733a", "--json").out()).contains("\"address\": \"0x40101b\"");
    assertThat(run("inspect", "it@1", "grep", "hex:7").status()).isEqualTo(4);
    assertThat(run("inspect", "it@1", "grep").err()).contains("give what to look for");
  }

  @Test
  void catShowsBytesAndSaysWhereTheyEnd() {
    assertThat(run("inspect", "it@1", "cat", "0x401000", "16").out())
        .contains("000000401000  73 65 72 76 65 72 00 2d 76 00 48 4f 4d 45 3d 2f  server.-v.HOME=/");
    assertThat(run("inspect", "it@1", "cat", "0x401000", "6", "--raw").out()).isEqualTo("server");
    assertThat(run("inspect", "it@1", "cat", "0x402ff8", "100").out()).contains("nothing is mapped at 0x403000");
    assertThat(run("inspect", "it@1", "cat", "0x10", "1").err()).contains("nothing is mapped at 0x10");
    assertThat(run("inspect", "it@1", "cat", "zero", "1").err()).contains("'zero' is no number");
    assertThat(run("inspect", "it@1", "cat", "0x401000", "1", "--task", "12").err()).contains("no thread group 12");
  }

  @Test
  void ssListsSockets() {
    assertThat(run("inspect", "it@1", "ss").out().lines().toList().get(1).split("  +"))
        .containsExactly("tcp", "LISTEN", "1", "5", "127.0.0.1:8080", "*:*", "4711 fd 3");
    assertThat(run("inspect", "it@1", "lsof").out()).contains("127.0.0.1:8080 (LISTEN)");
  }

  @Test
  void diffTellsWhichPagesDifferAndWhenNothingDoes() {
    assertThat(run("diff", "it@1", "it@2").out().lines().toList().get(1).split("  +"))
        .containsExactly("4711", "pages of vma 0x400000", "of 3", "1 differ");
    assertThat(run("diff", "it@1", "it@1").out()).isEqualTo("no difference\n");
    assertThat(run("diff", "it@1", "it@1", "--json").out()).contains("\"differences\": []");
  }

  @Test
  void aCoreIsAnElfFileThatOnlyItsOwnerReads() throws Exception {
    Path core = temp.resolve("core");
    assertThat(run("core", "it@1", "-o", core.toString()).out()).startsWith("core of 4711 (xz) in ");
    byte[] elf = Files.readAllBytes(core);
    assertThat(ByteBuffer.wrap(elf).getInt()).isEqualTo(0x7f454c46);
    assertThat(new String(elf, StandardCharsets.ISO_8859_1)).contains("pass: needle");
    assertThat(Files.getPosixFilePermissions(core)).hasSize(2);
    assertThat(run("core", "it@1", "-o", core.toString()).err()).contains("exists; give another file");
  }

  @Test
  void whatAViewDoesNotTakeIsAUsageError() {
    assertThat(run("inspect", "it@1", "ps", "more").status()).isEqualTo(2);
    assertThat(run("inspect", "it@1", "ps", "--raw").status()).isEqualTo(2);
    assertThat(run("inspect", "it@1", "nonsense").status()).isEqualTo(2);
  }
}

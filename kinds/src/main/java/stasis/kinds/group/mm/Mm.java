package stasis.kinds.group.mm;

import java.lang.invoke.MethodHandles;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.procfs.Stat;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.Host;
import stasis.resource.HostFile;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// What the mm remembers of execve(2) beside its vmas: where code, data, heap, stack, arguments and environment lie,
/// the auxiliary vector, and the file that is executed.
public final class Mm implements GroupAspect<Mm.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.mm", 1);
  private static final Question BRK = Question.of(Nr.BRK, Arg.imm(0));
  private static final int PR_SET_MM = 35;
  private static final int PR_SET_MM_MAP = 14;
  /// struct prctl_mm_map of uapi/linux/prctl.h: eleven addresses, auxv pointer, u32 auxv_size, u32 exe_fd.
  private static final int MAP_BYTES = 104;
  private static final int AUXV_OFFSET = 88;
  private static final int AUXV_SIZE_OFFSET = 96;
  private static final int EXE_FD_OFFSET = 100;
  private static final int MAX_AUXV_BYTES = 4096;
  private static final int ANY_EXECUTE = 0111;
  private static final String MEMFD = "/memfd:";
  private static final String DELETED = " (deleted)";

  /// Addresses, named and ordered as in struct prctl_mm_map.
  record Layout(@Tag(1) long startCode, @Tag(2) long endCode, @Tag(3) long startData, @Tag(4) long endData,
      @Tag(5) long startBrk, @Tag(6) long brk, @Tag(7) long startStack, @Tag(8) long argStart, @Tag(9) long argEnd,
      @Tag(10) long envStart, @Tag(11) long envEnd) {}

  /// The file `/proc/PID/exe` leads to.
  sealed interface Exe {
    @Tag(1)
    record Named(@Tag(1) PathBytes path) implements Exe {}

    /// Deleted since, or a memfd.
    @Tag(2)
    record Pathless(@Tag(1) ObjectId body) implements Exe {}
  }

  /// @param auxv pairs of 64-bit words (getauxval(3)), the closing AT_NULL included
  record State(@Tag(1) Layout layout, @Tag(2) Bytes auxv, @Tag(3) Exe exe) {
    State {
      if (auxv.length() > MAX_AUXV_BYTES || auxv.length() % 16 != 0) {
        throw new IllegalArgumentException("an auxiliary vector is pairs of words, was " + auxv.length() + " bytes");
      }
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(FrozenGroup group) {
    return List.of(BRK);
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    Stat stat = group.leader().stat();
    long brk = answers.require(BRK, group.subject()).result();
    Layout layout = new Layout(stat.field(26), stat.field(27), stat.startData(), stat.endData(), stat.startBrk(), brk,
        stat.field(28), stat.argStart(), stat.argEnd(), stat.envStart(), stat.envEnd());
    if (layout.startCode() <= 1 || layout.startStack() == 0) {
      throw new ObstructedException(group.subject(), "the kernel does not show us its memory layout",
          "run as its user, or with CAP_SYS_PTRACE");
    }
    Bytes auxv = Bytes.of(group.leader().proc("auxv").getBytes(StandardCharsets.ISO_8859_1));
    return Optional.of(new State(layout, auxv, exe(group)));
  }

  private static Exe exe(FrozenGroup group) throws ObstructedException {
    String link = group.leader().link("exe");
    FileStat facts = group.leader().facts("exe");
    if (!link.endsWith(DELETED)) {
      return new Exe.Named(PathBytes.of(link));
    }
    if (facts.links() > 0) {
      throw new ObstructedException(group.subject() + " exe " + link,
          "the program file is called as if it were deleted, or was deleted under one of several names",
          "give it back its name, or remove its other names");
    }
    String kind = link.startsWith(MEMFD) ? "body.memfd" : "body.deleted";
    return new Exe.Pathless(group.body(new BodyKey(kind, facts.device().stat(), facts.inode())));
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return switch (state.exe()) {
      case Exe.Named(PathBytes path) -> host.file(path)
          .filter(f -> f.type() == FileStat.S_IFREG && (f.mode() & ANY_EXECUTE) != 0).isPresent() ? List.of()
              : List.of(new Obstacle.Changed("program " + path, "an executable file", "none", "put the file back"));
      case Exe.Pathless _ -> List.of();
    };
  }

  @Override
  public List<HostFile> hostFiles(State state) {
    return switch (state.exe()) {
      case Exe.Named(PathBytes path) -> List.of(new HostFile(path, false));
      case Exe.Pathless _ -> List.of();
    };
  }

  @Override
  public Set<ObjectId> needs(State state) {
    return switch (state.exe()) {
      case Exe.Named _ -> Set.of();
      case Exe.Pathless(ObjectId body) -> Set.of(body);
    };
  }

  @Override
  public Optional<PathBytes> program(State state) {
    return switch (state.exe()) {
      case Exe.Named(PathBytes path) -> Optional.of(path);
      case Exe.Pathless _ -> Optional.empty();
    };
  }

  /// PR_SET_MM_MAP needs no privilege but for the executable, which needs CAP_CHECKPOINT_RESTORE in the task's user
  /// namespace, and that nothing of the former executable is mapped any more (kernel/sys.c, prctl_set_mm_map();
  /// kernel/fork.c, replace_mm_exe_file()).
  @Override
  public void restore(State state, Script script, Refs refs) {
    if (refs.hasItsProgram()) {
      restore(state, Arg.imm(-1), script);
      return;
    }
    PathBytes path = switch (state.exe()) {
      case Exe.Named(PathBytes named) -> named;
      case Exe.Pathless(ObjectId body) -> refs.path(body);
    };
    Ref<Fd> exe = script.call(Nr.OPENAT, "program file", Arg.imm(Open.AT_FDCWD), Arg.path(path),
        Arg.imm(Open.O_RDONLY | Open.O_CLOEXEC));
    restore(state, Arg.result(exe), script);
    script.call(Nr.CLOSE, "program file", Arg.result(exe));
  }

  /// @param exe fd of the program file, -1 for the one the mm has
  private static void restore(State state, Arg exe, Script script) {
    Layout at = state.layout();
    Bytes map = Bytes.ofU64(at.startCode(), at.endCode(), at.startData(), at.endData(), at.startBrk(), at.brk(),
        at.startStack(), at.argStart(), at.argEnd(), at.envStart(), at.envEnd(), 0, 0)
        .withU32(AUXV_SIZE_OFFSET, state.auxv().length());
    script.call(Nr.PRCTL, "layout, auxiliary vector and program file of the mm", Arg.imm(PR_SET_MM),
        Arg.imm(PR_SET_MM_MAP), new Arg.Struct(map, List.of(new Arg.Patch(AUXV_OFFSET, 8, Arg.data(state.auxv())),
            new Arg.Patch(EXE_FD_OFFSET, 4, exe))), Arg.imm(MAP_BYTES), Arg.imm(0));
  }

  @Override
  public Stage stage() {
    return Stage.MEMORY;
  }

  @Override
  public Of of() {
    return Of.MM;
  }
}

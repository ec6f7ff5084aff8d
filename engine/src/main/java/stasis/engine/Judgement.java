package stasis.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.function.Function;
import java.util.stream.Stream;
import stasis.image.DecodeException;
import stasis.image.Statefile;
import stasis.linux.abi.SyscallException;
import stasis.procfs.ProcException;
import stasis.repository.ImageReader;
import stasis.resource.KindSet;
import stasis.resource.Obstacle;
import stasis.resource.TaskState;
import stasis.resource.ZombieState;

/// Whether a host can bring an image back. Nothing is done for it but planning.
///
/// @param obstacles none: it can @param questions all that was asked of the host @param unanswered those of them that a
///     report says nothing of; then the obstacles mean nothing
/// @param told what the restore would have to do
public record Judgement(List<Obstacle> obstacles, SortedSet<String> questions, SortedSet<String> unanswered,
    List<String> told) {
  /// Of this host, by a restorer who wants the image.
  ///
  /// @param image whose metadata the statefile is @param files what the restore may do to files of the host
  /// @param place among which pids
  public static Judgement here(KindSet kinds, Environment environment, Statefile statefile, ImageReader image,
      FilePolicy files, Place place)
      throws DecodeException, SyscallException, ProcException {
    LiveHost host = HostReport.look(environment, place);
    Judgement planned = judged(kinds, statefile, image, files,
        question -> Optional.of(HostQuestion.answer(host, question)));
    var obstacles = new ArrayList<Obstacle>(planned.obstacles());
    if (ProgramClocks.needed(statefile.header(), environment).isPresent()) {
      obstacles.addAll(ProgramClocks.obstacles(host));
    }
    var told = new ArrayList<String>();
    if (host.takesOver()) {
      Capture capture = new Loader(kinds).load(statefile);
      List<Integer> pids = pids(capture).toList();
      obstacles.addAll(new TakeOvers(kinds, capture).here(pids, place == Place.HERE));
      told.addAll(TakeOvers.way(pids));
    }
    return new Judgement(List.copyOf(obstacles), planned.questions(), planned.unanswered(), List.copyOf(told));
  }

  /// Of another host, by its own report.
  ///
  /// @throws IllegalArgumentException where the report holds what is no answer
  public static Judgement there(KindSet kinds, HostReport report, Statefile statefile, ImageReader image,
      FilePolicy files) throws DecodeException {
    return judged(kinds, statefile, image, files, question -> Optional.ofNullable(report.answers().get(question)));
  }

  /// A restorer who is nobody: its needs are told as those of credentials.
  private static final String NOBODY = """
      =Uid:\t65534\t65534\t65534\t65534
      Gid:\t65534\t65534\t65534\t65534
      Groups:\t
      CapInh:\t0
      CapPrm:\t0
      CapEff:\t0
      CapBnd:\t0
      CapAmb:\t0
      NoNewPrivs:\t0
      """;

  /// All that an image needs, as a host that has nothing lacks it.
  ///
  /// @param memory of that image
  public static List<Obstacle> needs(KindSet kinds, Statefile statefile, ImageMemory memory) throws DecodeException {
    Capture capture = new Loader(kinds).load(statefile);
    var needs = new ArrayList<Obstacle>();
    needs.add(new Obstacle.HostLacks("pids", String.join(", ", pids(capture).map(String::valueOf).toList()),
        "must be free, or the restore be one into namespaces of its own"));
    AskedHost bare = new AskedHost(question -> Optional.of(question.equals("inherited status") ? NOBODY
        : HostQuestion.NOTHING));
    // What the memory is read from is its own to close.
    EmbeddedFiles.Compared compared = EmbeddedFiles.of(statefile, memory::pages).compare(bare);
    compared.differences().forEach(one -> needs.add(one.have()));
    if (compared.plan(kinds, capture, FilePolicy.ROLLBACK) instanceof Plan.Obstructed(var obstacles)) {
      needs.addAll(obstacles);
    }
    return needs.stream().distinct().toList();
  }

  private static Judgement judged(KindSet kinds, Statefile statefile, ImageReader image, FilePolicy policy,
      Function<String, Optional<String>> answers) throws DecodeException {
    Capture capture = new Loader(kinds).load(statefile);
    AskedHost host = new AskedHost(answers);
    var obstacles = new ArrayList<Obstacle>();
    try (EmbeddedFiles files = EmbeddedFiles.of(statefile, image)) {
      if (files.compare(host).plan(kinds, capture, policy) instanceof Plan.Obstructed(var found)) {
        obstacles.addAll(found);
      }
    }
    if (Restorer.isPlain(host) || !host.setsProgram()) {
      pids(capture).forEach(pid -> {
        String holder = host.ask(HostQuestion.PID + " " + pid);
        if (!holder.isEmpty()) {
          obstacles.add(Restorer.taken(pid, holder, Restorer.BESIDE));
        }
      });
    }
    return new Judgement(List.copyOf(obstacles), host.asked(), host.unanswered(), List.of());
  }

  private static Stream<Integer> pids(Capture capture) {
    return Stream.concat(capture.tasks().values().stream().map(TaskState::ownPid),
        capture.zombies().values().stream().map(ZombieState::ownPid)).distinct().sorted();
  }
}

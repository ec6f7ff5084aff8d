package stasis.live;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.LiveEnvironment;
import stasis.engine.Moment;
import stasis.engine.Proof;
import stasis.engine.Prover;
import stasis.image.Schema;
import stasis.kinds.Kinds;
import stasis.kinds.TcpPeers;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.resource.Answers;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.KindSet;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// The process that makes the copy of a checkpoint with a proof; or, with arguments, an engine that is killed while it
/// waits for that.
final class ProofProcess {
  /// Schema of a kind whose restore is forgotten.
  static final String FORGET = "stasis.live.forget";
  private static final int SIGKILL = 9;

  private ProofProcess() {}

  static Proof.Command command(String... options) {
    var words = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "--enable-native-access=ALL-UNNAMED"));
    words.addAll(List.of(options));
    words.addAll(List.of("-cp", System.getProperty("java.class.path"), ProofProcess.class.getName()));
    return new Proof.Command(words);
  }

  public static void main(String[] arguments) throws IOException {
    if (arguments.length > 0) {
      checkpoint(new Tid(Integer.parseInt(arguments[0])), Path.of(arguments[1]));
    } else {
      Prover.live(forgetful(Kinds.all(TcpPeers.KEEP), System.getProperty(FORGET, "")));
    }
    Runtime.getRuntime().halt(0);
  }

  private static void checkpoint(Tid victim, Path image) throws IOException {
    int[] waits = {0};
    new Checkpointer(Kinds.all(), LiveEnvironment.of("test")).checkpoint(
        new CheckpointRequest(victim, image, false, false, false, Optional.empty()).proved(command()), moment -> {
          if (moment.equals(new Moment.At("proof.waiting")) && ++waits[0] == 12) {
            Syscalls.call(Nr.KILL, ProcessHandle.current().pid(), SIGKILL);
          }
        });
  }

  private static KindSet forgetful(KindSet kinds, String schema) {
    return new KindSet(kinds.files(), kinds.descriptionAspects(), kinds.bodies(), kinds.mappings(),
        kinds.mappingAspects(), kinds.groupAspects().stream().<GroupAspect<?>>map(
            kind -> kind.schema().name().equals(schema) ? new Forgetful<>(kind) : kind).toList(), kinds.taskAspects());
  }

  /// A kind that describes, and restores nothing.
  private record Forgetful<S extends Record>(GroupAspect<S> inner) implements GroupAspect<S> {
    @Override
    public Schema<S> schema() {
      return inner.schema();
    }

    @Override
    public List<Question> questions(FrozenGroup group) {
      return inner.questions(group);
    }

    @Override
    public Optional<S> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
      return inner.checkpoint(group, answers);
    }

    @Override
    public void restore(S state, Script script, Refs refs) {}

    @Override
    public Stage stage() {
      return inner.stage();
    }

    @Override
    public Of of() {
      return inner.of();
    }
  }
}

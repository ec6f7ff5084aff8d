package stasis.live;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import stasis.engine.Proof;
import stasis.engine.Prover;
import stasis.kinds.Kinds;
import stasis.kinds.TcpPeers;

/// The process that makes the copy of a checkpoint with a proof.
final class ProofProcess {
  private ProofProcess() {}

  static Proof.Command command(String... options) {
    var words = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "--enable-native-access=ALL-UNNAMED"));
    words.addAll(List.of(options));
    words.addAll(List.of("-cp", System.getProperty("java.class.path"), ProofProcess.class.getName()));
    return new Proof.Command(words);
  }

  public static void main(String[] arguments) throws IOException {
    Prover.live(Kinds.all(TcpPeers.KEEP));
    Runtime.getRuntime().halt(0);
  }
}

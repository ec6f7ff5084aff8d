package stasis.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.engine.Proof;
import stasis.engine.Prover;
import stasis.kinds.Kinds;
import stasis.kinds.TcpPeers;

/// The process that makes the copy of `checkpoint --verify`. Nobody calls it by hand.
public final class ProofMain {
  private static final String MODULE = "stasis.cli/";
  private static final String NATIVE = "stasis.linux,com.github.luben.zstd_jni";

  private ProofMain() {}

  public static void main(String[] arguments) throws IOException {
    Prover.live(Kinds.all(TcpPeers.KEEP));
    // Threads of ours must not keep the copy.
    Runtime.getRuntime().halt(0);
  }

  /// How to start it: with this JVM, from where this program is.
  static Proof.Command command() {
    List<String> words = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:+UseSerialGC", "-Xss512k", "-XX:-UsePerfData", "-XX:TieredStopAtLevel=1"));
    words.addAll(place(ProofMain.class));
    return new Proof.Command(words);
  }

  /// Where a class of this program is, as `java` takes it.
  static List<String> place(Class<?> main) {
    Optional<String> modules = Optional.ofNullable(System.getProperty("jdk.module.path"));
    return modules.isPresent()
        ? List.of("--enable-native-access=" + NATIVE, "--module-path", modules.get(), "-m", MODULE + main.getName())
        : List.of("--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path", ""),
            main.getName());
  }
}

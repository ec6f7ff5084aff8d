package stasis.repository;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/// A writer that is killed before one of its changes.
final class RepositoryWriterProcess {
  private RepositoryWriterProcess() {}

  /// @param args repository, and before which change it dies
  public static void main(String[] args) throws Exception {
    AtomicInteger left = new AtomicInteger(Integer.parseInt(args[1]));
    KeptImages.write(Path.of(args[0]), "a", KeptImages.metadata(99), KeptImages.memory(300, 99), List.of(), change -> {
      if (left.getAndDecrement() == 0) {
        System.out.println(change);
        System.out.flush();
        new ProcessBuilder("kill", "-9", Long.toString(ProcessHandle.current().pid())).start();
        while (true) {
          Thread.onSpinWait();
        }
      }
    });
    System.out.println("END");
  }
}

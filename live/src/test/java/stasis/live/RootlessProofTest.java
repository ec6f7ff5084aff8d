package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.probe.PidRights;

/// A fresh user has its checkpoints proved too: the copy is made in a user namespace of its own.
final class RootlessProofTest {
  private static final String PYTHON = """
      import os, socket, threading, time
      a, b = socket.socketpair(); a.send(b'waiting'); r, w = os.pipe(); os.write(w, b'unread')
      threading.Thread(target=lambda: b.recv(1 << 20) and time.sleep(999), daemon=True).start()
      parent = os.getpid()
      if os.fork() == 0:
          while os.getppid() == parent: time.sleep(0.1)
          os._exit(0)
      open('ready', 'w').close()
      time.sleep(999)
      """;

  @Test
  void aCheckpointIsProvedWithoutAnyPrivilege(@TempDir Path folder) throws IOException, InterruptedException {
    FreshUser user = FreshUser.in(folder);
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/python3")), "needs python3");
    assumeTrue(PidRights.look().namespaces(), "needs user namespaces");
    try {
      Process python = user.start(List.of("/usr/bin/python3", "-c", PYTHON));
      assertThat(Ground.waitFor(() -> Files.exists(user.home().resolve("ready")))).as(user.said(python)).isTrue();
      String said = user.run(user.java(FreshUserEngine.class, "prove", "" + python.pid(),
          user.home().resolve("image").toString()));
      assertThat(said.strip()).isEqualTo("proved 3");
      assertThat(python.isAlive()).isTrue();
    } finally {
      user.endAll();
    }
  }
}

package stasis.linux.probe;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// What this user may do to give a task the pid it wants. Looking makes no task and no namespace.
///
/// @param chooses whether clone3(2) takes numbers here: CAP_CHECKPOINT_RESTORE in the user namespace that owns our pid
///     namespace, which all capabilities in a user namespace of one's own are not
/// @param namespaces whether a user and pid namespace can be made, where it may
public record PidRights(boolean chooses, boolean namespaces) {
  /// Ubuntu's kernels let anybody make a user namespace, and give no capability in it.
  private static final Path RESTRICTED = Path.of("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");

  public static PidRights look() {
    try (Scratch scratch = new Scratch()) {
      return new PidRights(isPresent(TaskProbe.setTid(scratch, Syscalls.call(Nr.GETTID))),
          isPresent(TaskProbe.userNamespace(scratch)) && !isRestricted());
    }
  }

  private static boolean isPresent(Finding finding) {
    return finding.verdict() == Verdict.PRESENT;
  }

  private static boolean isRestricted() {
    try {
      return Syscalls.call(Nr.GETEUID) != 0 && Files.exists(RESTRICTED)
          && Files.readString(RESTRICTED).strip().equals("1");
    } catch (IOException e) {
      return false;
    }
  }
}

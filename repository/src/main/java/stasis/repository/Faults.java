package stasis.repository;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/// What an IOException means to a user. The JDK tells most errors of write(2) apart by text only (strerror(3)).
final class Faults {
  private Faults() {}

  /// @param act what was being done, `cannot write the statefile`
  static ImageException of(IOException e, String act, Path where) {
    String reason = e instanceof FileSystemException named && named.getReason() != null ? named.getReason()
        : String.valueOf(e.getMessage());
    String problem = act + " in " + where;
    return switch (e) {
      case AccessDeniedException _ -> new ImageException(ImageException.Reason.NO_ACCESS,
          problem + ": permission denied", "choose a folder that this user may write to", e);
      case NoSuchFileException _ -> new ImageException(ImageException.Reason.NO_ACCESS,
          problem + ": no such file or directory", "check the path", e);
      case NotDirectoryException _, FileAlreadyExistsException _ -> new ImageException(
          ImageException.Reason.NO_ACCESS, problem + ": not a directory", "choose another folder", e);
      case ClosedChannelException _ -> new ImageException(ImageException.Reason.CANCELLED, problem + ": cancelled",
          "run it again", e);
      default -> byText(reason, problem, e);
    };
  }

  private static ImageException byText(String reason, String problem, IOException e) {
    if (reason.contains("No space left")) {
      return new ImageException(ImageException.Reason.DEVICE, problem + ": no space left on the device",
          "free space there or choose a folder on another device", e);
    } else if (reason.contains("quota exceeded")) {
      return new ImageException(ImageException.Reason.DEVICE, problem + ": disk quota exceeded",
          "free space there or choose a folder on another device", e);
    } else if (reason.contains("File too large")) {
      return new ImageException(ImageException.Reason.DEVICE, problem + ": file too large",
          "raise RLIMIT_FSIZE (ulimit -f) or choose another file system", e);
    } else if (reason.contains("Read-only file system")) {
      return new ImageException(ImageException.Reason.NO_ACCESS, problem + ": read-only file system",
          "choose a folder that can be written to", e);
    } else if (reason.contains("Not a directory")) {
      return new ImageException(ImageException.Reason.NO_ACCESS, problem + ": not a directory",
          "choose another folder", e);
    } else if (reason.contains("Permission denied") || reason.contains("Operation not permitted")) {
      return new ImageException(ImageException.Reason.NO_ACCESS, problem + ": permission denied",
          "choose a folder that this user may use", e);
    }
    return new ImageException(ImageException.Reason.DEVICE, problem + ": " + reason,
        "check the device, or choose another folder", e);
  }
}

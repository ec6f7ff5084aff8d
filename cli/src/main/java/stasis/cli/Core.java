package stasis.cli;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import stasis.engine.CoreFile;
import stasis.engine.ImageMemory;
import stasis.image.DecodeException;
import stasis.image.Fields;
import stasis.image.Limits;
import stasis.image.ObjectId;
import stasis.image.Statefile;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;
import stasis.resource.TaskState;

/// A core file that has been written.
///
/// @param executable as the program's /proc/PID/exe named it
record Core(Path file, int pid, String program, Optional<String> executable, long lengthBytes) {
  /// @param task pid of a leader, or the root @throws ImageException also for a file that cannot be written
  static Core write(ImageAt at, Optional<Integer> task, Path file) throws ImageException {
    try (ImageReader reader = at.origin().open()) {
      Statefile statefile = Statefile.decode(reader.metadata(), reader.pageBytes(), Limits.DEFAULT);
      try (ImageMemory memory = ImageMemory.open(reader, statefile)) {
        Inspection image = new Inspection(statefile, memory, Optional.empty(), List.of(), task);
        Map.Entry<ObjectId, TaskState> leader = image.leaders().getFirst();
        CoreFile core = new CoreFile(memory, leader.getKey());
        if (core.obstacle().isPresent()) {
          throw new ImageException(ImageException.Reason.TOO_NEW, core.obstacle().get(), "open it on such a machine");
        }
        return new Core(file, Inspection.pid(leader.getValue()), MemoryRows.printable(leader.getValue().comm()),
            executable(image, leader.getKey()), write(core, file));
      }
    } catch (DecodeException e) {
      throw new ImageException(ImageException.Reason.DAMAGED, at + " is damaged: " + e.getMessage(),
          "take another copy of the image");
    } catch (Inspection.NoAnswerException e) {
      throw new ImageException(ImageException.Reason.NO_IMAGE, String.valueOf(e.getMessage()), "give another --task");
    }
  }

  private static Optional<String> executable(Inspection image, ObjectId leader) throws DecodeException {
    return image.aspect(leader, "group.mm").flatMap(mm -> mm.record("exe")).flatMap(exe -> exe.record("Named"))
        .filter(named -> named.field("path").isPresent()).map((Fields named) -> named.text("path"));
  }

  /// A core is as private as the memory in it: mode 0600. One that fails is deleted.
  private static long write(CoreFile core, Path file) throws ImageException, DecodeException {
    try (FileChannel out = FileChannel.open(file, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      try {
        return core.write(out);
      } catch (IOException | ImageException | DecodeException | RuntimeException | Error e) {
        Files.deleteIfExists(file);
        throw e;
      }
    } catch (FileAlreadyExistsException e) {
      throw new ImageException(ImageException.Reason.OCCUPIED, file + " exists", "give another file, or delete it", e);
    } catch (IOException e) {
      throw new ImageException(ImageException.Reason.DEVICE, "the core file " + file + " cannot be written: "
          + e.getMessage(), "give another file", e);
    }
  }
}

package stasis.engine;

import java.lang.invoke.MethodHandles;
import java.util.List;
import stasis.image.Schema;
import stasis.resource.CpuState;
import stasis.resource.FilesState;
import stasis.resource.MmState;
import stasis.resource.TaskState;
import stasis.resource.ZombieState;

/// Schemas of what the engine itself knows; every other object belongs to a kind.
final class CoreSchemas {
  static final Schema<TaskState> TASK = Schema.of(MethodHandles.lookup(), TaskState.class, "core.task", 1);
  static final Schema<CpuState> CPU = Schema.of(MethodHandles.lookup(), CpuState.class, "core.cpu", 2);
  static final Schema<MmState> MM = Schema.of(MethodHandles.lookup(), MmState.class, "core.mm", 2);
  static final Schema<FilesState> FILES = Schema.of(MethodHandles.lookup(), FilesState.class, "core.files", 1);
  static final Schema<ZombieState> ZOMBIE = Schema.of(MethodHandles.lookup(), ZombieState.class, "core.zombie", 1);
  static final Schema<EmbeddedFile> EMBEDDED =
      Schema.of(MethodHandles.lookup(), EmbeddedFile.class, EmbeddedFile.SCHEMA_NAME, 1);

  private CoreSchemas() {}

  static List<Schema<?>> all() {
    return List.of(TASK, CPU, MM, FILES, ZOMBIE, EMBEDDED);
  }
}

package stasis.kinds;

import java.util.List;
import stasis.kinds.body.memfd.MemfdBody;
import stasis.kinds.body.sharedanon.SharedAnonBody;
import stasis.kinds.file.memfd.Memfd;
import stasis.kinds.group.mdwe.Mdwe;
import stasis.kinds.group.mm.Mm;
import stasis.kinds.group.mmflags.MmFlags;
import stasis.kinds.mapping.advice.Advice;
import stasis.kinds.mapping.anonymous.Anonymous;
import stasis.kinds.mapping.apart.Apart;
import stasis.kinds.mapping.devzero.DevZero;
import stasis.kinds.mapping.foreign.Foreign;
import stasis.kinds.mapping.guard.Guard;
import stasis.kinds.mapping.lock.Lock;
import stasis.kinds.mapping.name.Name;
import stasis.kinds.mapping.pathless.Pathless;
import stasis.kinds.mapping.policy.Policy;
import stasis.kinds.mapping.privatefile.PrivateFile;
import stasis.kinds.mapping.seal.Seal;
import stasis.kinds.mapping.sharedanon.SharedAnon;
import stasis.kinds.mapping.sharedfile.SharedFile;
import stasis.kinds.mapping.vdso.Vdso;
import stasis.resource.BodyKind;
import stasis.resource.FileKind;
import stasis.resource.GroupAspect;
import stasis.resource.KindSet;
import stasis.resource.MappingAspect;
import stasis.resource.MappingKind;
import stasis.resource.TaskAspect;

/// The registry: one line per kind, first match wins. `KindsTest` checks it against the folders.
public final class Kinds {
  private Kinds() {}

  public static KindSet all() {
    return new KindSet(files(), bodies(), mappings(), mappingAspects(), groupAspects(), taskAspects());
  }

  private static List<FileKind<?>> files() {
    return List.of(
        new Memfd()
    );
  }

  private static List<BodyKind<?>> bodies() {
    return List.of(
        new MemfdBody(),
        new SharedAnonBody()
    );
  }

  private static List<MappingKind<?>> mappings() {
    return List.of(
        new Vdso(),
        new Anonymous(),
        new PrivateFile(),
        new SharedFile(),
        new SharedAnon(),
        new Pathless(),
        new DevZero(),
        new Foreign()
    );
  }

  /// In the order their steps are written within a stage: guard regions cannot be installed in a locked vma.
  private static List<MappingAspect<?>> mappingAspects() {
    return List.of(
        new Apart(),
        new Guard(),
        new Policy(),
        new Advice(),
        new Name(),
        new Lock(),
        new Seal()
    );
  }

  /// In the order their steps are written within a stage.
  private static List<GroupAspect<?>> groupAspects() {
    return List.of(
        new Mm(),
        new MmFlags(),
        new Mdwe()
    );
  }

  /// In the order their steps are written within a stage.
  private static List<TaskAspect<?>> taskAspects() {
    return List.of(
    );
  }
}

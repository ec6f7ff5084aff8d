package stasis.engine;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.resource.BodyKind;
import stasis.resource.FileKind;
import stasis.resource.GroupAspect;
import stasis.resource.Host;
import stasis.resource.HostFile;
import stasis.resource.Kind;
import stasis.resource.MappingKind;
import stasis.resource.Obstacle;

/// Calls on a kind whose state type is known only at run time. The one unchecked cast of the engine is here: an item's
/// state was made, or decoded, by that very kind.
final class Kinded {
  private Kinded() {}

  @SuppressWarnings({"unchecked", "ReferenceEquality"}) // a kind is itself, not its equal
  static <S extends Record> S stateOf(Kind<S> kind, Capture.Item<?> item) {
    if (item.kind() != kind) {
      throw new IllegalStateException(item.id() + " is a " + item.kind().schema().name());
    }
    return (S) item.state();
  }

  static <S extends Record> List<Obstacle> obstacles(Capture.Item<S> item, Host host) {
    return item.kind().obstacles(item.state(), host);
  }

  static <S extends Record> List<HostFile> hostFiles(Capture.Item<S> item) {
    return item.kind().hostFiles(item.state());
  }

  static Set<ObjectId> needs(Capture.Item<?> item) {
    return switch (item.kind()) {
      case FileKind<?> kind -> fileNeeds(kind, item);
      case MappingKind<?> kind -> mappingNeeds(kind, item);
      case GroupAspect<?> kind -> aspectNeeds(kind, item);
      default -> Set.of();
    };
  }

  private static <S extends Record> Set<ObjectId> fileNeeds(FileKind<S> kind, Capture.Item<?> item) {
    return kind.needs(stateOf(kind, item));
  }

  private static <S extends Record> Set<ObjectId> aspectNeeds(GroupAspect<S> kind, Capture.Item<?> item) {
    return kind.needs(stateOf(kind, item));
  }

  /// Whether a file waits for all tasks to be born.
  static boolean isLate(Capture.Item<?> item) {
    return item.kind() instanceof FileKind<?> kind && isLate(kind, item);
  }

  private static <S extends Record> boolean isLate(FileKind<S> kind, Capture.Item<?> item) {
    return kind.isLate(stateOf(kind, item));
  }

  /// Of a late file; no other is made when all tasks are there.
  static Optional<FileKind.Number> needsNumber(Capture.Item<?> item) {
    return item.kind() instanceof FileKind<?> kind && isLate(kind, item) ? needsNumber(kind, item) : Optional.empty();
  }

  private static <S extends Record> Optional<FileKind.Number> needsNumber(FileKind<S> kind, Capture.Item<?> item) {
    return kind.needsNumber(stateOf(kind, item));
  }

  static <S extends Record> Set<ObjectId> carries(BodyKind<S> kind, Capture.Item<?> item) {
    return kind.carries(stateOf(kind, item));
  }

  static <S extends Record> long holeBytes(BodyKind<S> kind, Capture.Item<?> item) {
    return kind.holeBytes(stateOf(kind, item));
  }

  static <S extends Record> boolean isMapped(BodyKind<S> kind, Capture.Item<?> item) {
    return kind.isMapped(stateOf(kind, item));
  }

  private static <S extends Record> Set<ObjectId> mappingNeeds(MappingKind<S> kind, Capture.Item<?> item) {
    return kind.needs(stateOf(kind, item));
  }

  static <S extends Record> MappingKind.Pages pages(MappingKind<S> kind, Capture.Item<?> item) {
    return kind.pages(stateOf(kind, item));
  }

  static <S extends Record> BodyKind.Contents contents(BodyKind<S> kind, Capture.Item<?> item) {
    return kind.contents(stateOf(kind, item));
  }
}

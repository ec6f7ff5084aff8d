package stasis.resource;

import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.image.Tag;
import stasis.linux.abi.RemoteAddress;

/// One mm: its vmas in address order, and the aspects some of them have.
///
/// @param base the mm it is a copy of, as fork(2) makes one: of pages that both still share, only `base` has contents
/// @param dropped pages that `base` has and this mm has not
/// @param huge what lay in huge pages because the program had asked for them (MADV_HUGEPAGE)
public record MmState(@Tag(1) List<VmaState> vmas, @Tag(2) List<Attachment> attachments,
    @Tag(3) Optional<ObjectId> base, @Tag(4) List<Extent> dropped, @Tag(5) List<Extent> huge) {
  public MmState {
    huge = List.copyOf(huge);
    vmas = List.copyOf(vmas);
    attachments = List.copyOf(attachments);
    dropped = List.copyOf(dropped);
    for (int i = 1; i < vmas.size(); i++) {
      if (vmas.get(i - 1).end().compareTo(vmas.get(i).start()) > 0) {
        throw new IllegalArgumentException("vmas overlap at " + vmas.get(i).start());
      }
    }
  }

  /// One that shares no pages with another.
  public static MmState alone(List<VmaState> vmas, List<Attachment> attachments) {
    return new MmState(vmas, attachments, Optional.empty(), List.of(), List.of());
  }

  public MmState withHuge(List<Extent> extents) {
    return new MmState(vmas, attachments, base, dropped, extents);
  }

  /// As a copy of another.
  public MmState copyOf(ObjectId other, List<Extent> droppedOfIt) {
    return new MmState(vmas, attachments, Optional.of(other), droppedOfIt, huge);
  }

  /// @param vma start address of the vma @param aspect object of a [MappingAspect]
  public record Attachment(@Tag(1) RemoteAddress vma, @Tag(2) ObjectId aspect) {}
}

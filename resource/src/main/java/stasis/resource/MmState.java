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
public record MmState(@Tag(1) List<VmaState> vmas, @Tag(2) List<Attachment> attachments,
    @Tag(3) Optional<ObjectId> base, @Tag(4) List<Extent> dropped) {
  public MmState {
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
    return new MmState(vmas, attachments, Optional.empty(), List.of());
  }

  /// @param vma start address of the vma @param aspect object of a [MappingAspect]
  public record Attachment(@Tag(1) RemoteAddress vma, @Tag(2) ObjectId aspect) {}
}

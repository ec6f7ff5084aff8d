package stasis.resource;

import java.util.List;
import stasis.image.ObjectId;
import stasis.image.Tag;
import stasis.linux.abi.RemoteAddress;

/// One mm: its vmas in address order, and the aspects some of them have.
public record MmState(@Tag(1) List<VmaState> vmas, @Tag(2) List<Attachment> attachments) {
  public MmState {
    vmas = List.copyOf(vmas);
    attachments = List.copyOf(attachments);
    for (int i = 1; i < vmas.size(); i++) {
      if (vmas.get(i - 1).end().compareTo(vmas.get(i).start()) > 0) {
        throw new IllegalArgumentException("vmas overlap at " + vmas.get(i).start());
      }
    }
  }

  /// @param vma start address of the vma @param aspect object of a [MappingAspect]
  public record Attachment(@Tag(1) RemoteAddress vma, @Tag(2) ObjectId aspect) {}
}

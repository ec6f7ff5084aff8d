package stasis.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import stasis.image.ObjectId;
import stasis.resource.Host;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.VmaState;

/// Lets kinds complete what must not be done in the freeze.
final class Settling {
  private Settling() {}

  static Capture of(Capture capture, Host host) throws ObstructedException {
    Map<ObjectId, List<VmaState>> vmas = new HashMap<>();
    capture.mms().values().forEach(mm -> mm.vmas().forEach(
        vma -> vmas.computeIfAbsent(vma.backing(), _ -> new ArrayList<>()).add(vma)));
    var items = new TreeMap<>(capture.items());
    for (Capture.Item<?> item : capture.items().values()) {
      if (item.kind() instanceof MappingKind<?> kind) {
        items.put(item.id(), settled(kind, item, vmas.getOrDefault(item.id(), List.of()), host));
      }
    }
    return capture.withItems(items);
  }

  private static <S extends Record> Capture.Item<S> settled(MappingKind<S> kind, Capture.Item<?> item,
      List<VmaState> vmas, Host host) throws ObstructedException {
    return new Capture.Item<>(item.id(), kind, kind.settle(Kinded.stateOf(kind, item), vmas, host), item.owner());
  }
}

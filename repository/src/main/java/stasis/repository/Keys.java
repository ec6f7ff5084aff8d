package stasis.repository;

import java.util.List;

/// The keys a user has given. Each of them alone opens what is closed with them.
public record Keys(List<Key> all) {
  /// Nothing is closed.
  public static final Keys NONE = new Keys(List.of());

  public Keys {
    all = List.copyOf(all);
  }

  public boolean isEmpty() {
    return all.isEmpty();
  }
}

package stasis.kinds.socket;

import java.util.List;
import java.util.Set;
import stasis.resource.OptionQuery;

/// The options that sockets of one sort have, as questions in the order in which they are set again. Made once: whoever
/// asks many sockets asks all with the same.
public final class OptionSet {
  private final Set<Integer> levels;
  private final boolean datagrams;
  private final List<OptionQuery> queries;

  /// @param levels whose options such a socket has @param datagrams whether multicast options mean anything to it
  public OptionSet(Set<Integer> levels, boolean datagrams) {
    this.levels = Set.copyOf(levels);
    this.datagrams = datagrams;
    queries = OptionTable.all().stream()
        .filter(row -> row.when() != OptionTable.When.HIDDEN && levels.contains(row.level())
            && (datagrams || !row.label().contains("MULTICAST")) && !SocketOptions.isFilter(row.level(), row.name()))
        .map(row -> new OptionQuery(row.level(), row.name(), row.roomBytes(), row.standard())).toList();
  }

  Set<Integer> levels() {
    return levels;
  }

  boolean datagrams() {
    return datagrams;
  }

  List<OptionQuery> queries() {
    return queries;
  }
}

package stasis.kinds.socket;

import java.util.List;
import java.util.Set;
import stasis.resource.OptionQuery;

/// The options that one sort of sockets tells, in the order in which they are set. One is made for each sort, not for
/// each socket.
public final class OptionSet {
  private final Set<Integer> levels;
  private final boolean datagrams;
  private final List<OptionTable.Row> rows;
  private final List<OptionQuery> queries;

  private OptionSet(Set<Integer> levels, boolean datagrams, List<OptionTable.Row> rows) {
    this.levels = levels;
    this.datagrams = datagrams;
    this.rows = rows;
    queries = rows.stream()
        .map(row -> new OptionQuery(row.level(), row.name(), row.roomBytes(), row.standard())).toList();
  }

  /// @param levels SOL_SOCKET, IPPROTO_TCP and so on @param datagrams whether multicast options mean anything to it
  public static OptionSet of(Set<Integer> levels, boolean datagrams) {
    return new OptionSet(Set.copyOf(levels), datagrams, OptionTable.all().stream()
        .filter(row -> row.when() != OptionTable.When.HIDDEN && levels.contains(row.level())
            && (datagrams || !row.label().contains("MULTICAST"))).toList());
  }

  Set<Integer> levels() {
    return levels;
  }

  boolean datagrams() {
    return datagrams;
  }

  List<OptionTable.Row> rows() {
    return rows;
  }

  /// One for each row.
  List<OptionQuery> queries() {
    return queries;
  }
}

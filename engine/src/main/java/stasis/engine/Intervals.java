package stasis.engine;

import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.RemoteAddress;

/// A set of addresses as rising, disjoint stretches.
final class Intervals {
  private record Interval(long start, long end) {}

  private final List<Interval> intervals = new ArrayList<>();

  static Intervals of(List<PageScan.Run> runs) {
    var all = new Intervals();
    runs.forEach(run -> all.add(run.start().bits(), run.start().bits() + run.lengthBytes()));
    return all;
  }

  /// @param start not before the end of what was added last
  void add(long start, long end) {
    if (!intervals.isEmpty() && intervals.getLast().end() >= start) {
      if (intervals.getLast().end() > start) {
        throw new IllegalArgumentException("stretches come in rising order");
      }
      intervals.add(new Interval(intervals.removeLast().start(), end));
    } else {
      intervals.add(new Interval(start, end));
    }
  }

  boolean isEmpty() {
    return intervals.isEmpty();
  }

  Intervals and(Intervals other) {
    var both = new Intervals();
    int i = 0;
    int j = 0;
    while (i < intervals.size() && j < other.intervals.size()) {
      Interval a = intervals.get(i);
      Interval b = other.intervals.get(j);
      long start = Math.max(a.start(), b.start());
      long end = Math.min(a.end(), b.end());
      if (start < end) {
        both.add(start, end);
      }
      if (a.end() <= b.end()) {
        i++;
      } else {
        j++;
      }
    }
    return both;
  }

  Intervals minus(Intervals other) {
    var rest = new Intervals();
    int j = 0;
    for (Interval interval : intervals) {
      long at = interval.start();
      while (j < other.intervals.size() && other.intervals.get(j).end() <= at) {
        j++;
      }
      for (int k = j; k < other.intervals.size() && other.intervals.get(k).start() < interval.end(); k++) {
        if (other.intervals.get(k).start() > at) {
          rest.add(at, other.intervals.get(k).start());
        }
        at = Math.max(at, other.intervals.get(k).end());
      }
      if (at < interval.end()) {
        rest.add(at, interval.end());
      }
    }
    return rest;
  }

  List<PageScan.Run> runs() {
    return intervals.stream().map(interval -> new PageScan.Run(new RemoteAddress(interval.start()),
        interval.end() - interval.start())).toList();
  }
}

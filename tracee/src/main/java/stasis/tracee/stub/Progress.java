package stasis.tracee.stub;

import java.util.Arrays;
import java.util.List;
import stasis.linux.abi.Bytes;

/// What is known of a batch while it runs, part by part: results so far and the present content of its slots.
final class Progress {
  private final Batch batch;
  private final long[] results;
  private final Bytes[] contents;
  private int ran;

  Progress(Batch batch) {
    this.batch = batch;
    this.results = new long[batch.size()];
    this.contents = batch.memories().stream().map(Batch.Memory::content).toArray(Bytes[]::new);
  }

  Batch batch() {
    return batch;
  }

  /// How many entries ran.
  int ran() {
    return ran;
  }

  long result(int index) {
    return results[index];
  }

  Bytes content(int slot) {
    return contents[slot];
  }

  void content(int slot, Bytes now) {
    contents[slot] = now;
  }

  /// Records the next entry's result.
  void ran(int index, long result) {
    results[index] = result;
    ran = index + 1;
  }

  Results results() {
    return new Results(Arrays.copyOf(results, ran), ran, contents);
  }

  /// Births among the entries that ran and succeeded, in order.
  List<Integer> births() {
    return java.util.stream.IntStream.range(0, ran)
        .filter(i -> batch.entry(i) instanceof Batch.Entry.Call call && call.birth() && results[i] > 0)
        .boxed().toList();
  }
}

package stasis.kinds.fake;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.procfs.Device;
import stasis.procfs.FileStat;
import stasis.resource.Kind;
import stasis.resource.MappingAspect;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.Program;
import stasis.resource.Script;

/// What holds of every kind of memory: its schema and its program are written down, its state survives the statefile,
/// and it is called after its folder.
///
/// @param <S> its state
public abstract class MemoryContract<S extends Record> {
  protected static final MemoryRefs REFS = new MemoryRefs();

  /// The kind under test.
  protected abstract Kind<S> kind();

  /// A state that shows as much as possible.
  protected abstract S sample() throws ObstructedException;

  /// The steps worth writing down.
  protected abstract void program(Script script) throws ObstructedException;

  private String name() {
    String[] words = getClass().getPackageName().split("\\.");
    return words[words.length - 1];
  }

  @Test
  void isCalledAfterItsFolder() {
    String[] words = getClass().getPackageName().split("\\.");
    assertThat(kind().schema().name()).isEqualTo(words[words.length - 2] + "." + name());
  }

  @Test
  void schemaIsAsWrittenDown() {
    Golden.check(getClass(), name() + ".schema", kind().schema().describe());
  }

  @Test
  void programIsAsWrittenDown() throws ObstructedException {
    Program program = new Program();
    program(program.in(new ObjectId(1)));
    Golden.check(getClass(), name() + ".program", program.explain());
  }

  @Test
  void stateSurvivesTheStatefile() throws DecodeException, ObstructedException {
    Schema<S> schema = kind().schema();
    assertThat(schema.decode(schema.encode(sample()), Limits.DEFAULT)).isEqualTo(sample());
  }

  /// The steps that map these vmas, which must have one backing.
  protected static <T extends Record> void map(MappingKind<T> kind, Script script, FakeMapping... mappings)
      throws ObstructedException {
    T state = kind.checkpoint(mappings[0]);
    var file = kind.open(state, script, REFS);
    for (FakeMapping mapping : mappings) {
      kind.map(state, mapping.state(), mapping.vma().protection(), file, script, REFS);
    }
  }

  /// The steps an aspect takes after the mapping of a vma and after its fill.
  protected static <T extends Record> void attach(MappingAspect<T> aspect, Optional<T> state, FakeMapping mapping,
      Script script) {
    aspect.mapped(state, mapping.state(), script);
    aspect.restore(state, mapping.state(), script);
  }

  /// The program text of some steps.
  protected static String explain(Steps steps) throws ObstructedException {
    Program program = new Program();
    steps.write(program.in(new ObjectId(1)));
    return program.explain();
  }

  /// Something that writes steps.
  protected interface Steps {
    void write(Script script) throws ObstructedException;
  }

  /// A file on device 8:1.
  protected static FileStat stat(int mode, long inode, int links, long sizeBytes) {
    return new FileStat(new Device(8, 1), inode, mode, links, Device.NONE, sizeBytes, Instant.ofEpochSecond(1000, 5));
  }

  protected static FileStat regular(long inode, long sizeBytes) {
    return stat(FileStat.S_IFREG | 0644, inode, 1, sizeBytes);
  }
}

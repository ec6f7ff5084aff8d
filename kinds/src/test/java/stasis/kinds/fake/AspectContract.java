package stasis.kinds.fake;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.BodyKind;
import stasis.resource.DescriptionAspect;
import stasis.resource.FileKind;
import stasis.resource.GroupAspect;
import stasis.resource.Kind;
import stasis.resource.Program;
import stasis.resource.Question;
import stasis.resource.Script;
import stasis.resource.TaskAspect;

/// What holds of every aspect of tasks and thread groups, every file and every body: its schema and its program are
/// written down, its state
/// survives the statefile, and it is called after its folder.
///
/// @param <S> its state
public abstract class AspectContract<S extends Record> {
  /// The aspect under test.
  protected abstract Kind<S> kind();

  /// A state that shows as many steps as possible.
  protected abstract S sample();

  /// Whether there is a state to store at all; an aspect that only refuses has none.
  protected boolean isStored() {
    return true;
  }

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
  void programIsAsWrittenDown() {
    Golden.check(getClass(), name() + ".program", explain(sample()));
  }

  @Test
  void stateSurvivesTheStatefile() throws DecodeException {
    Schema<S> schema = kind().schema();
    assertThat(schema.decode(schema.encode(sample()), Limits.DEFAULT)).isEqualTo(sample());
  }

  /// The program a state leads to, in the leader; empty for an aspect that is never stored.
  protected final String explain(S state) {
    if (!isStored()) {
      return "never stored\n";
    }
    Program program = new Program();
    Script script = program.in(new ObjectId(1));
    switch (kind()) {
      case TaskAspect<S> aspect -> aspect.restore(state, script, new FakeRefs());
      case GroupAspect<S> aspect -> aspect.restore(state, script, new FakeRefs());
      case FileKind<S> file -> {
        file.restore(state, script, new FakeRefs());
        file.connect(state, new Fd(3), script, new FakeRefs());
        file.connectOwn(state, new Fd(3), script, new FakeRefs());
      }
      case DescriptionAspect<S> aspect -> aspect.restore(state, new Fd(3), script, new FakeRefs());
      case BodyKind<S> body -> {
        FakeRefs refs = new FakeRefs();
        body.restore(state, new ObjectId(9), script, refs);
        body.made(state, new ObjectId(9), script, refs);
        body.finish(state, new ObjectId(9), script, refs);
      }
      default -> throw new IllegalStateException(kind() + " is neither aspect, file nor body");
    }
    return program.explain();
  }

  /// Answers to questions, in their order.
  protected static Answers answers(List<Question> questions, Answer... given) {
    assertThat(questions).hasSameSizeAs(given);
    Map<Question, Answer> byQuestion = new HashMap<>();
    for (int i = 0; i < given.length; i++) {
      byQuestion.put(questions.get(i), given[i]);
    }
    return new Answers(byQuestion);
  }

  protected static Answers noAnswers() {
    return new Answers(Map.of());
  }

  protected static Answer value(long result) {
    return new Answer(result, Map.of());
  }

  protected static Answer output(int argument, Bytes content) {
    return new Answer(0, Map.of(argument, content));
  }

  protected static Answer failure(Errno errno) {
    return new Answer(-errno.number(), Map.of());
  }
}

package stasis.resource;

import java.util.Map;
import stasis.linux.abi.Errno;

/// The answers to the questions one aspect asked of one task or thread group.
public record Answers(Map<Question, Answer> byQuestion) {
  public Answers {
    byQuestion = Map.copyOf(byQuestion);
  }

  /// The answer as it is, failed or not.
  public Answer to(Question question) {
    Answer answer = byQuestion.get(question);
    if (answer == null) {
      throw new IllegalStateException("never asked: " + question);
    }
    return answer;
  }

  /// The answer to a question that must succeed.
  ///
  /// @throws ObstructedException when the call failed: what cannot be read is never guessed
  public Answer require(Question question, String subject) throws ObstructedException {
    Answer answer = to(question);
    if (answer.failed()) {
      throw new ObstructedException(subject,
          question.nr().kernelName() + " failed with " + Errno.of(answer.result()), "");
    }
    return answer;
  }
}

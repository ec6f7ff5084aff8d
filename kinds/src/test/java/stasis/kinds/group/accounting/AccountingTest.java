package stasis.kinds.group.accounting;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.resource.Kind;
import stasis.resource.Loss;

class AccountingTest extends AspectContract<Accounting.State> {
  private final Accounting kind = new Accounting();

  @Override
  protected Kind<Accounting.State> kind() {
    return kind;
  }

  @Override
  protected Accounting.State sample() {
    return new Accounting.State(1000, 10, 5, 3, 2, 77, 1);
  }

  @Test
  void whatWasUsedIsTold() {
    FakeGroup group = new FakeGroup();
    group.leader().stat(10, 77).stat(12, 1).stat(14, 10).stat(15, 5).stat(16, 3).stat(17, 2).stat(22, 1000);

    assertThat(kind.checkpoint(group, noAnswers())).contains(sample());
    assertThat(kind.losses(sample())).singleElement().extracting(Loss::detail).asString()
        .contains("15 clock ticks");
  }
}

package stasis.kinds.mapping.anonymous;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class AnonymousTest extends MemoryContract<Anonymous.State> {
  @Override
  protected MappingKind<Anonymous.State> kind() {
    return new Anonymous();
  }

  @Override
  protected Anonymous.State sample() {
    return new Anonymous.State();
  }

  @Override
  protected void program(Script script) throws ObstructedException {
    map(kind(), script, FakeMapping.of("7f0000000000-7f0000004000 rw-p 00000000 00:00 0 ", "rd wr mr mw me ac"),
        FakeMapping.of("7f0000010000-7f0000014000 ---p 00000000 00:00 0 ", "mr mw me nr"),
        FakeMapping.of("7f0000020000-7f0000024000 r--p 00000000 00:00 0 ", "rd mr mw me ac"),
        FakeMapping.of("7f0000030000-7f0000034000 rw-p 00000000 00:00 0 ", "rd wr mr mw me nr wf dd dp"),
        FakeMapping.of("7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                          [stack]",
            "rd wr mr mw me gd ac"));
  }

  @Test
  void heapStackAndNamedMemoryAreAnonymous() {
    assertThat(recognises("55a000000000-55a000021000 rw-p 00000000 00:00 0   [heap]")).isTrue();
    assertThat(recognises("7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0   [stack]")).isTrue();
    assertThat(recognises("7f0000000000-7f0000004000 rw-p 00000000 00:00 0   [anon:arena]")).isTrue();
  }

  @Test
  void filesAndTheKernelsOwnMemoryAreNot() {
    assertThat(recognises("7f0000000000-7f0000004000 rw-p 00000000 08:01 5   /lib/x.so")).isFalse();
    assertThat(recognises("7f0000000000-7f0000002000 r-xp 00000000 00:00 0   [vdso]")).isFalse();
    assertThat(recognises("7f0000000000-7f0000004000 rw-s 00000000 00:01 5   /dev/zero (deleted)")).isFalse();
  }

  private boolean recognises(String line) {
    return kind().recognises(FakeMapping.of(line, "rd wr mr mw me"));
  }
}

package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class JsonTest {
  @Test
  void whatWouldEndAStringIsEscaped() {
    assertThat(Json.text("a\"b\\c\n\t\r\u0001\u007f\ud800").write())
        .isEqualTo("\"a\\\"b\\\\c\\n\\t\\r\\u0001\\u007f\\ud800\"\n");
  }

  @Test
  void emptyContainersStayOnOneLine() {
    assertThat(Json.object(Json.member("a", new Json.Items(List.of())), Json.member("b", Json.object())).write())
        .isEqualTo("{\n  \"a\": [],\n  \"b\": {}\n}\n");
  }

  @Test
  void mapsWithoutOrderAreSorted() {
    assertThat(Json.sorted(Map.of("b", Json.number(2), "a", Json.number(1))).write())
        .isEqualTo("{\n  \"a\": 1,\n  \"b\": 2\n}\n");
  }

  @Test
  void millisecondsKeepMicroseconds() {
    assertThat(Json.millis(12_345_678).write()).isEqualTo("12.345\n");
    assertThat(Json.millis(999).write()).isEqualTo("0.000\n");
  }
}

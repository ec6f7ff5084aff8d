package stasis.image;

import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;

/// A record's fields by name, for whoever has not its class. One that is not there is absent, because images outlive
/// names.
public record Fields(Value.Message message) {
  public static Fields of(Statefile statefile, StoredObject object) throws DecodeException {
    return new Fields(statefile.schema(object).read(object.state(), Limits.DEFAULT));
  }

  public Optional<Value> field(String name) {
    return message.entries().stream().filter(e -> e.name().equals(name)).map(Value.Entry::value).findFirst();
  }

  /// As people read it, `?` where it is absent; hostile text cannot reach the terminal, because JSON escapes it.
  public String text(String name) {
    return field(name).map(value -> switch (value) {
      case Value.Sequence(List<Value> elements) -> String.join("/", elements.stream().map(Value::json).toList());
      default -> value.json().replaceAll("^\"|\"$", "");
    }).orElse("?");
  }

  /// 0 where it is absent, or no number.
  public long number(String name) {
    return field(name).map(value -> value instanceof Value.Whole(_, long number) ? number : 0L).orElse(0L);
  }

  public Optional<ObjectId> id(String name) {
    return field(name).flatMap(value -> value instanceof Value.Whole(_, long number) && number > 0
        && number <= Integer.MAX_VALUE ? Optional.of(new ObjectId((int) number)) : Optional.empty());
  }

  /// Empty where it is absent, or not bytes.
  public Bytes bytes(String name) {
    return field(name).map(value -> value instanceof Value.Raw(_, Bytes bytes) ? bytes : Bytes.EMPTY)
        .orElse(Bytes.EMPTY);
  }

  public Optional<Fields> record(String name) {
    return field(name).flatMap(value -> value instanceof Value.Message inner ? Optional.of(new Fields(inner))
        : Optional.empty());
  }

  public List<Fields> records(String name) {
    return field(name).map(value -> switch (value) {
      case Value.Sequence(List<Value> elements) -> elements.stream()
          .filter(Value.Message.class::isInstance).map(e -> new Fields((Value.Message) e)).toList();
      default -> List.<Fields>of();
    }).orElse(List.of());
  }
}

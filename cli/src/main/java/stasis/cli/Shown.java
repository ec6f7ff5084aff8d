package stasis.cli;

import java.util.List;
import stasis.linux.abi.Bytes;

/// A view, made: tables with what stands above them; or bytes.
///
/// @param raw what goes to stdout as it is, where that was asked for
record Shown(List<Section> sections, String text, Bytes raw) {
  /// @param heading a line above the table, or empty
  record Section(String heading, Table table) {}

  static Shown of(Table table) {
    return new Shown(List.of(new Section("", table)), "", Bytes.EMPTY);
  }

  static Shown of(List<Section> sections) {
    return new Shown(sections, "", Bytes.EMPTY);
  }

  static Shown text(String text) {
    return new Shown(List.of(), text, Bytes.EMPTY);
  }

  static Shown raw(Bytes bytes) {
    return new Shown(List.of(), "", bytes);
  }

  String render() {
    StringBuilder out = new StringBuilder(text);
    for (Section section : sections) {
      out.append(section.heading().isEmpty() ? "" : section.heading() + "\n").append(section.table().render());
    }
    return out.toString();
  }

  /// All rows, as objects with the titles as keys.
  Json rows() {
    return new Json.Items(sections.stream().flatMap(section -> section.table().rows(section.heading()).stream())
        .toList());
  }
}

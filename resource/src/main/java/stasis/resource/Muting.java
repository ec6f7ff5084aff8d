package stasis.resource;

import java.util.List;

/// How the end of a program is kept from those who have to do with a file of it.
///
/// @param calls made just before the program is ended @param undo what takes them back, should it live on
public record Muting(List<OwnCall> calls, List<OwnCall> undo) {
  public Muting {
    calls = List.copyOf(calls);
    undo = List.copyOf(undo);
  }
}

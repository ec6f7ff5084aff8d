package stasis.tracee.stub;

/// One undo a keeper will run unless it is withdrawn. Never given out twice by a keeper.
public record UndoId(long serial) {}

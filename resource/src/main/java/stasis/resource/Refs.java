package stasis.resource;

import java.util.List;
import stasis.image.ObjectId;
import stasis.linux.abi.Fd;

/// What earlier steps made, by object.
public interface Refs {
  /// An fd in the script's task that leads to the body or file.
  ///
  /// @throws IllegalStateException when `object` was not named in `needs`
  Ref<Fd> fd(ObjectId object);

  /// Where the script's task has the file at its own numbers, in `connect` only.
  List<Fd> places(ObjectId file);

  /// The address a memory body is mapped at meanwhile, in the script's task.
  Ref<stasis.linux.abi.RemoteAddress> address(ObjectId body);

  /// The pid the restored task sees another task of the tree under.
  int pidOf(ObjectId task);
}

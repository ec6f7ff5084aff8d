package stasis.engine;

import java.util.List;
import stasis.image.ObjectId;
import stasis.resource.BodyKey;
import stasis.resource.BodyView;
import stasis.resource.FrozenGroup;
import stasis.resource.Mapping;
import stasis.resource.OpenFile;

/// A body as its kind sees it.
record BodyViews(TreeView.Body body) implements BodyView {
  @Override
  public ObjectId id() {
    return body.id();
  }

  @Override
  public BodyKey key() {
    return body.key();
  }

  @Override
  public List<OpenFile> files() {
    return List.copyOf(body.files());
  }

  @Override
  public List<Mapping> mappings() {
    return List.copyOf(body.mappings());
  }

  @Override
  public List<FrozenGroup> groups() {
    return List.copyOf(body.groups());
  }

  @Override
  public String subject() {
    return !body.files().isEmpty() ? body.files().getFirst().subject()
        : !body.mappings().isEmpty() ? body.mappings().getFirst().subject() : body.groups().getFirst().subject();
  }
}

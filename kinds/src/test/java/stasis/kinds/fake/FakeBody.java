package stasis.kinds.fake;

import java.util.ArrayList;
import java.util.List;
import stasis.image.ObjectId;
import stasis.resource.BodyKey;
import stasis.resource.BodyView;
import stasis.resource.Mapping;
import stasis.resource.OpenFile;

/// A body with the mappings and files a test gave it.
public final class FakeBody implements BodyView {
  private final ObjectId id;
  private final List<Mapping> mappings = new ArrayList<>();
  private final List<OpenFile> files = new ArrayList<>();

  public FakeBody(ObjectId id) {
    this.id = id;
  }

  public FakeBody mapped(Mapping... more) {
    mappings.addAll(List.of(more));
    return this;
  }

  public FakeBody open(OpenFile file) {
    files.add(file);
    return this;
  }

  @Override
  public ObjectId id() {
    return id;
  }

  @Override
  public BodyKey key() {
    return new BodyKey("body.fake", 0, 0);
  }

  @Override
  public List<OpenFile> files() {
    return List.copyOf(files);
  }

  @Override
  public List<Mapping> mappings() {
    return List.copyOf(mappings);
  }

  @Override
  public String subject() {
    return "body " + id;
  }
}

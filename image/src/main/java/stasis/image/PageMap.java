package stasis.image;

/// Where the page contents of an mm or of a memory body lie in the page section.
///
/// @param body an object of the same statefile
public record PageMap(@Tag(1) ObjectId body, @Tag(2) PageRuns runs) {}

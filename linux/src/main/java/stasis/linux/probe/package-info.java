/// What this kernel and this user can do, found by trying: a bogus or harmless use of the real call, never a comparison
/// of versions (distributions backport; sandboxes forbid). Results are records made at start and passed in; nothing
/// here
/// keeps state, and nothing is changed that outlives the probe.
package stasis.linux.probe;

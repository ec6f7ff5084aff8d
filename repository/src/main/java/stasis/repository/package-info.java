/// A folder that holds one statefile, written in one pass and visible only when whole.
/// May be called by `engine` and the apps; knows neither records nor tasks.
package stasis.repository;

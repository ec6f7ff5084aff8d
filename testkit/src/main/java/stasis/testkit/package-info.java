/// Fakes, goldens and contracts for tests; never shipped.
package stasis.testkit;

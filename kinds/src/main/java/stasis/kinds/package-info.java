/// The registry: one line per kind. Called by the apps, which hand it to the engine.
package stasis.kinds;

/// Figures of Stasis and of a peer, side by side.
package stasis.bench;

/// The phases of a checkpoint and of a restore; each consumes a type only the phase before can make.
package stasis.engine;

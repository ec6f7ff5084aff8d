/// One record per /proc file, with a pure `parse(text)` beside it; `Proc` reads the files below an injectable root.
/// One read(2) per file whose lines must agree. May be called by anyone above `linux`; keeps no state.
package stasis.procfs;

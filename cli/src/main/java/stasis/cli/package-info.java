/// One class per verb; they parse, call and print, nothing else.
package stasis.cli;

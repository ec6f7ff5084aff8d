/// The start-up image: from the image of a resting engine to an executable that becomes it.
package stasis.cli.start;

/// What a kind is, what it is shown (frozen views) and what it writes (a program). No effects: all of it is data.
package stasis.resource;

/**
 * The device that is obviously right: one thread, one scalar loop per operation, sums in double, nothing packed. The truth that the other
 * devices are tested against; it needs four bytes of Java heap per parameter. Belongs to the engine thread.
 */
package dev.skald.compute.reference;

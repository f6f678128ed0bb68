/** Our own API's client: {@link dev.skald.service.Inference} over gRPC. Thread-safe; events arrive on gRPC's threads, one call's in order. */
package dev.skald.client;

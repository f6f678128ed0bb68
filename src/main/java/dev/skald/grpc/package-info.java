/**
 * The door: gRPC on Netty. Translates, validates and maps errors; no logic of its own. Event loops do I/O only, handlers run on virtual
 * threads, events of requests arrive on text workers, and one timer thread looks after what takes too long.
 */
package dev.skald.grpc;

package dev.skald.grpc;

import dev.skald.service.Inference;
import dev.skald.service.Operations;

/** What the door opens to, once it is there. */
record Backend(Inference inference, Operations operations) {}

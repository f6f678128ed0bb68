package dev.skald.weights;

import java.util.Optional;

/** The only names of Python's that a pickle of tensors needs; none is ever looked up or run, they only say how to read what follows. */
sealed interface PickleGlobal {
    record OrderedDict() implements PickleGlobal {
        @Override
        public String toString() {
            return "collections.OrderedDict";
        }
    }

    record RebuildTensor() implements PickleGlobal {
        @Override
        public String toString() {
            return "torch._utils._rebuild_tensor_v2";
        }
    }

    record RebuildParameter() implements PickleGlobal {
        @Override
        public String toString() {
            return "torch._utils._rebuild_parameter";
        }
    }

    record StorageType(TorchType type) implements PickleGlobal {
        @Override
        public String toString() {
            return "torch storage of " + type;
        }
    }

    /** @return empty for any other name */
    static Optional<PickleGlobal> of(String module, String name) {
        return switch (module + " " + name) {
            case "collections OrderedDict" -> Optional.of(new OrderedDict());
            case "torch._utils _rebuild_tensor_v2" -> Optional.of(new RebuildTensor());
            case "torch._utils _rebuild_parameter" -> Optional.of(new RebuildParameter());
            default -> module.equals("torch") ? TorchType.of(name).map(StorageType::new) : Optional.empty();
        };
    }
}

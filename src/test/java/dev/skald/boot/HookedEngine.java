package dev.skald.boot;

import dev.skald.compute.Device;
import dev.skald.compute.Ops;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.function.Consumer;

/** A whole engine on a real device, whose every operation a test hears of before it runs, by its name, on the engine thread. */
public final class HookedEngine {
    private HookedEngine() {}

    /** @param before may block, sleep or throw */
    public static LocalEngine start(EngineOptions options, Consumer<String> before) {
        return LocalEngine.start(options, () -> hooked(Devices.open(options.compute()), before));
    }

    private static Device hooked(Device device, Consumer<String> before) {
        Ops ops = proxy(Ops.class, device.ops(), before);
        return (Device) Proxy.newProxyInstance(Device.class.getClassLoader(), new Class<?>[] {Device.class}, (self, method, arguments) -> {
            if (method.getName().equals("ops")) return ops;
            return call(() -> method.invoke(device, arguments));
        });
    }

    private static <T> T proxy(Class<T> type, T inner, Consumer<String> before) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
            before.accept(method.getName());
            return call(() -> method.invoke(inner, arguments));
        }));
    }

    private interface Reflective {
        Object call() throws ReflectiveOperationException;
    }

    private static Object call(Reflective reflective) throws Throwable {
        try {
            return reflective.call();
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }
}

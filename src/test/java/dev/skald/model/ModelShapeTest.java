package dev.skald.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.skald.model.family.Families;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ModelShapeTest {
    @ParameterizedTest(name = "{0} has {1} parameters")
    @CsvSource({
        "llama-2-7b, 6738415616", "llama-3-8b, 8030261248", "llama-3.2-1b, 1235814400", "tinyllama-1.1b, 1100048384", "smollm2-135m, 134515008",
        "smollm2-360m, 361821120"
    })
    void aShapeHasAsManyParametersAsThePublishedModel(String label, long parameters) {
        assertEquals(parameters, Families.spec(ModelShape.of(label).orElseThrow().config()).parameters());
    }

    @ParameterizedTest
    @EnumSource
    void everyShapeIsNamedAndNamesItself(ModelShape shape) {
        assertEquals(shape, ModelShape.of(shape.label()).orElseThrow());
        assertTrue(ModelShape.known().contains(shape.label()));
        assertEquals("llama", Families.spec(shape.config()).family());
    }
}

package dev.skald.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.TextFormat;
import dev.skald.api.health.v1.HealthProto;
import dev.skald.api.v1.AdminProto;
import dev.skald.api.v1.ChatProto;
import dev.skald.api.v1.EventsProto;
import dev.skald.api.v1.InferenceProto;
import dev.skald.api.v1.ModelsProto;
import dev.skald.api.v1.OptionsProto;
import dev.skald.api.v1.ServerProto;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Holds the API against the committed copy of its descriptors, so that no client breaks unnoticed. */
class ApiDescriptorTest {
    private static final Path COMMITTED = Path.of("src/test/resources/api/descriptors.txtpb");
    private static final String REWRITE =
            "mvn -q test -Dtest=ApiDescriptorTest -DargLine=-Dskald.descriptors=write";

    private static final List<FileDescriptor> FILES = List.of(
            HealthProto.getDescriptor(), AdminProto.getDescriptor(), ChatProto.getDescriptor(), EventsProto.getDescriptor(),
            InferenceProto.getDescriptor(), ModelsProto.getDescriptor(), OptionsProto.getDescriptor(), ServerProto.getDescriptor());

    @Test
    void theApiIsTheCommittedOne() throws Exception {
        FileDescriptorSet.Builder now = FileDescriptorSet.newBuilder();
        FILES.forEach(file -> now.addFile(file.toProto()));
        String text = TextFormat.printer().printToString(now);
        if ("write".equals(System.getProperty("skald.descriptors"))) {
            Files.createDirectories(COMMITTED.getParent());
            Files.writeString(COMMITTED, text);
        }
        FileDescriptorSet committed = TextFormat.parse(Files.readString(COMMITTED), FileDescriptorSet.class);
        TreeSet<String> breaking = new TreeSet<>(facts(committed));
        breaking.removeAll(facts(now.build()));
        assertTrue(breaking.isEmpty(), () -> "These promises to clients are gone; a change within v1 may only add (see proto/README.md):\n  "
                + String.join("\n  ", breaking));
        assertEquals(committed, now.build(), "The API grew, or changed in a way that breaks nobody. If that is meant, commit what this writes:\n  " + REWRITE);
    }

    @Test
    void requestAndResponseTypesAreUniquePerCall() {
        TreeSet<String> seen = new TreeSet<>();
        for (FileDescriptor file : FILES) {
            if (!file.getPackage().equals("skald.v1")) continue;
            file.getServices().forEach(service -> service.getMethods().forEach(method -> {
                assertEquals(method.getName() + "Request", method.getInputType().getName());
                assertEquals(method.getName() + "Response", method.getOutputType().getName());
                assertTrue(seen.add(method.getName()), method.getName());
            }));
        }
        assertTrue(seen.contains("GenerateStream"), seen.toString());
    }

    @Test
    void enumsBeginUnspecified() {
        int enums = 0;
        for (FileDescriptor file : FILES) {
            if (!file.getPackage().equals("skald.v1")) continue;
            for (EnumDescriptorProto type : enumsOf(file.toProto())) {
                enums++;
                assertEquals(0, type.getValue(0).getNumber(), type.getName());
                assertTrue(type.getValue(0).getName().endsWith("_UNSPECIFIED"), type.getName());
            }
        }
        assertEquals(2, enums, "FinishReason and ToolChoice.Mode");
    }

    @Test
    void aRemovedFieldIsSeenAsBreaking() {
        FileDescriptorSet whole = FileDescriptorSet.newBuilder().addFile(OptionsProto.getDescriptor().toProto()).build();
        FileDescriptorSet.Builder less = whole.toBuilder();
        less.getFileBuilder(0).getMessageTypeBuilder(0).removeField(0);
        TreeSet<String> gone = new TreeSet<>(facts(whole));
        gone.removeAll(facts(less.build()));
        assertFalse(gone.isEmpty());
    }

    private static List<EnumDescriptorProto> enumsOf(FileDescriptorProto file) {
        List<EnumDescriptorProto> all = new java.util.ArrayList<>(file.getEnumTypeList());
        file.getMessageTypeList().forEach(message -> all.addAll(message.getEnumTypeList()));
        return all;
    }

    /** What clients, in binary or JSON or by generated code, rely on: one sentence each. */
    private static TreeSet<String> facts(FileDescriptorSet set) {
        TreeSet<String> facts = new TreeSet<>();
        for (FileDescriptorProto file : set.getFileList()) {
            String pkg = file.getPackage();
            facts.add("java package of " + pkg + " is " + file.getOptions().getJavaPackage());
            file.getMessageTypeList().forEach(message -> messageFacts(pkg, message, facts));
            file.getEnumTypeList().forEach(type -> enumFacts(pkg, type, facts));
            file.getServiceList().forEach(service -> service.getMethodList().forEach(method -> facts.add(
                    "rpc " + pkg + "." + service.getName() + "/" + method.getName() + " " + (method.getClientStreaming() ? "stream " : "")
                            + method.getInputType() + " → " + (method.getServerStreaming() ? "stream " : "") + method.getOutputType())));
        }
        return facts;
    }

    private static void messageFacts(String scope, DescriptorProto message, TreeSet<String> facts) {
        String name = scope + "." + message.getName();
        facts.add("message " + name);
        for (FieldDescriptorProto field : message.getFieldList()) {
            String oneof = field.hasOneofIndex() ? " in oneof " + message.getOneofDecl(field.getOneofIndex()).getName() : "";
            facts.add("field " + name + "." + field.getName() + " = " + field.getNumber() + " " + field.getLabel() + " " + field.getType() + " "
                    + field.getTypeName() + oneof + (field.getProto3Optional() ? " optional" : ""));
        }
        message.getReservedRangeList().forEach(range -> facts.add("reserved " + name + " " + range.getStart() + "–" + range.getEnd()));
        message.getReservedNameList().forEach(reserved -> facts.add("reserved " + name + " " + reserved));
        message.getNestedTypeList().forEach(nested -> messageFacts(name, nested, facts));
        message.getEnumTypeList().forEach(type -> enumFacts(name, type, facts));
    }

    private static void enumFacts(String scope, EnumDescriptorProto type, TreeSet<String> facts) {
        type.getValueList().forEach(value -> facts.add("enum " + scope + "." + type.getName() + "." + value.getName() + " = " + value.getNumber()));
    }
}

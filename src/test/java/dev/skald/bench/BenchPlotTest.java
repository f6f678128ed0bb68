package dev.skald.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class BenchPlotTest {
    private static Measurement measurement(int streams, double prefill, OptionalDouble decode) {
        Measurement.Subject subject =
                new Measurement.Subject("a <b> & \"c\"", "cpu", "avx512", "q4_0", 2, 1000, new ModelCost(1_000_000_000, 1_000_000_000));
        return new Measurement(
                subject, streams, 512, 128, prefill, decode, 100, OptionalDouble.of(10), 25, OptionalDouble.of(400), OptionalLong.empty(),
                OptionalDouble.empty());
    }

    private static Element parsed(String svg) throws Exception {
        return DocumentBuilderFactory.newInstance().newDocumentBuilder()
                .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8))).getDocumentElement();
    }

    private static double attribute(NodeList elements, int index, String name) {
        return Double.parseDouble(((Element) elements.item(index)).getAttribute(name));
    }

    @Test
    void barsAreAsHighAsTheirNumbersAndNamedWithTheirShares() throws Exception {
        String svg = BenchPlot.svg(List.of(measurement(1, 100, OptionalDouble.of(20)), measurement(4, 200, OptionalDouble.of(40))));
        NodeList rects = parsed(svg).getElementsByTagName("rect");
        assertEquals(5, rects.getLength(), "a background, two bars of prefill and two of decode");
        assertEquals(2, attribute(rects, 2, "height") / attribute(rects, 1, "height"), 0.01);
        assertEquals(2, attribute(rects, 4, "height") / attribute(rects, 3, "height"), 0.01);
        assertTrue(svg.contains("1 stream, 80 %<"), svg);
        assertTrue(svg.contains("4 streams, 50 %<"), svg);
        assertTrue(svg.contains("a &lt;b&gt; &amp; &quot;c&quot;, q4_0"), svg);
    }

    @Test
    void withoutDecodingThereIsOnePanel() throws Exception {
        String svg = BenchPlot.svg(List.of(measurement(1, 100, OptionalDouble.empty())));
        assertEquals(2, parsed(svg).getElementsByTagName("rect").getLength());
        assertFalse(svg.contains("decode"), svg);
    }
}

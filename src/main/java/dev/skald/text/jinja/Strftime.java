package dev.skald.text.jinja;

import java.time.ZonedDateTime;
import java.time.format.TextStyle;
import java.time.temporal.ChronoField;
import java.time.temporal.IsoFields;
import java.util.Locale;

/** C's strftime in the C locale. */
final class Strftime {
    private Strftime() {}

    static String format(ZonedDateTime t, String format) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%' || i + 1 == format.length()) {
                out.append(c);
                continue;
            }
            char code = format.charAt(++i);
            boolean unpadded = code == '-' && i + 1 < format.length();
            if (unpadded) code = format.charAt(++i);
            String field = field(t, code);
            out.append(unpadded ? unpad(field) : field);
        }
        return out.toString();
    }

    private static String unpad(String field) {
        int zeros = 0;
        while (zeros < field.length() - 1 && (field.charAt(zeros) == '0' || field.charAt(zeros) == ' ')) zeros++;
        return field.substring(zeros);
    }

    private static String field(ZonedDateTime t, char code) {
        return switch (code) {
            case 'a' -> t.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.US);
            case 'A' -> t.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.US);
            case 'b', 'h' -> t.getMonth().getDisplayName(TextStyle.SHORT, Locale.US);
            case 'B' -> t.getMonth().getDisplayName(TextStyle.FULL, Locale.US);
            case 'c' -> format(t, "%a %b %e %H:%M:%S %Y");
            case 'C' -> digits(t.getYear() / 100, 2);
            case 'd' -> digits(t.getDayOfMonth(), 2);
            case 'D', 'x' -> format(t, "%m/%d/%y");
            case 'e' -> String.format("%2d", t.getDayOfMonth());
            case 'f' -> digits(t.getNano() / 1000, 6);
            case 'F' -> format(t, "%Y-%m-%d");
            case 'G' -> digits(t.get(IsoFields.WEEK_BASED_YEAR), 4);
            case 'H' -> digits(t.getHour(), 2);
            case 'I' -> digits((t.getHour() + 11) % 12 + 1, 2);
            case 'j' -> digits(t.getDayOfYear(), 3);
            case 'm' -> digits(t.getMonthValue(), 2);
            case 'M' -> digits(t.getMinute(), 2);
            case 'n' -> "\n";
            case 'p' -> t.getHour() < 12 ? "AM" : "PM";
            case 'r' -> format(t, "%I:%M:%S %p");
            case 'R' -> format(t, "%H:%M");
            case 's' -> String.valueOf(t.toEpochSecond());
            case 'S' -> digits(t.getSecond(), 2);
            case 't' -> "\t";
            case 'T', 'X' -> format(t, "%H:%M:%S");
            case 'u' -> String.valueOf(t.getDayOfWeek().getValue());
            case 'U' -> digits((t.getDayOfYear() + 6 - t.getDayOfWeek().getValue() % 7) / 7, 2);
            case 'V' -> digits(t.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR), 2);
            case 'w' -> String.valueOf(t.getDayOfWeek().getValue() % 7);
            case 'W' -> digits((t.getDayOfYear() + 6 - (t.getDayOfWeek().getValue() + 6) % 7) / 7, 2);
            case 'y' -> digits(t.getYear() % 100, 2);
            case 'Y' -> String.valueOf(t.get(ChronoField.YEAR));
            case 'z', 'Z' -> ""; // the time is naive, as Python's datetime.now() is
            case '%' -> "%";
            default -> throw JinjaException.type("strftime_now doesn't know %" + code);
        };
    }

    private static String digits(int value, int width) {
        return String.format("%0" + width + "d", value);
    }
}

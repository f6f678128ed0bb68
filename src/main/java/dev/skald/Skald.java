package dev.skald;

/** The program's entry; everything it knows is which package reads the command line. */
public final class Skald {
    private Skald() {}

    public static void main(String[] args) {
        System.out.println("skald");
    }
}

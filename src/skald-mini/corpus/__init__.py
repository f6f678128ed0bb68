"""The corpus of skald-mini: tables written by hand, and the rules that turn them into text."""

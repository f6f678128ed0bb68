/** One class per model family: reads its configuration and knows its tensors' names, and makes a spec of them. Pure functions for the loader. */
package dev.skald.model.family;

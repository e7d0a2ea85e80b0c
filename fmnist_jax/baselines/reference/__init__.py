"""The same networks in other frameworks, by the recipe of the reference notebooks."""

"""The words of the project as plain values and rules. Imports only the standard library."""

"""Rules of the pre-flight: numbers in, pass, warn, fail or unsure out."""

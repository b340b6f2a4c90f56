"""How a `.feature` file becomes tests: what it says, and which definition each step means."""

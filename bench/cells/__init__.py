"""What is raced: cells and grids of them, engines by their addresses, git revisions, inputs, data sets."""

"""What the kernel says of a program (snapshot), and whether two such looks agree (compare)."""

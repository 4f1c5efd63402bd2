"""What is written down about refusals."""

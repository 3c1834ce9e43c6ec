"""Write the report: one HTML file with the runs, the verdict, the comparison, and a map of the representations."""

"""The report: one HTML file that shows what was run, whether it helped, and where the records lie."""

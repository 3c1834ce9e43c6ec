"""Write the report of a run or a comparison as one HTML page."""

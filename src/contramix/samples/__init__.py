"""Hold encoded records as samples that training indexes by batch."""

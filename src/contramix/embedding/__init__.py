"""Write representations at scale: columns, files, streams and shards."""

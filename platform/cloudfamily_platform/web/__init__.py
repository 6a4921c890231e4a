"""The API and the console's page over HTTP. HTTP codes live here and nowhere else."""

"""The domain: tables and arrays in, tables and arrays out. No Dagster, no web, no database, no network."""

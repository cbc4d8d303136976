-- database_ping: SELECT nothing
-- Whether the database answers at all.
select 1;

-- schema_versions: SELECT schema_migrations
-- The migrations that were applied, as dbmate wrote them down.
select version from schema_migrations;

-- database_ping: SELECT nothing
-- Whether the database answers at all.
select 1;

-- database_session: SELECT nothing
-- Which of the server's processes serves this connection.
select pg_backend_pid();

-- schema_versions: SELECT schema_migrations
-- The migrations that were applied, as dbmate wrote them down.
select version from schema_migrations;

-- transaction_begin: BEGIN transaction
-- What follows on this connection becomes lasting together, or not at all.
begin;

-- transaction_wait_longer: SET lock_timeout
-- Let this transaction wait longer for each lock than a player's request may.
set local lock_timeout = '5s';

-- transaction_commit: COMMIT transaction
-- Make lasting what was written since the beginning.
commit;

-- transaction_rollback: ROLLBACK transaction
-- Forget what was written since the beginning; outside a transaction, a warning that nobody reads.
rollback;

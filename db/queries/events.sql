-- events_now: SELECT nothing
-- The database's clock.
select clock_timestamp() as now;

-- events_make_days: SELECT event_seen
-- Make a place for the ids of each of these days (since 1970).
select event_seen_make(date '1970-01-01' + $1::integer, date '1970-01-01' + $2::integer) as made;

-- events_drop_days: SELECT event_seen
-- Drop the places of days before this one (since 1970) that the database's own clock does not need.
select event_seen_drop(date '1970-01-01' + $1::integer) as dropped;

-- events_remember: INSERT event_seen
-- Remember events, in ascending order; those that are known already are returned.
with key as materialized (
    select date '1970-01-01' + given.day as day, given.digest
    from unnest($1::integer[], $2::bytea[]) as given (day, digest)
), fresh as (
    insert into event_seen (day, digest)
    select day, digest from key order by day, digest
    on conflict do nothing
    returning day, digest
)
select day - date '1970-01-01' as day, digest from key
except all
select day - date '1970-01-01', digest from fresh;

-- events_make_known: INSERT player
-- Make a row with the same facts for each player who has none, in ascending order.
insert into player (player, since, changed_at, version, format, answered, given)
select new.player, $2, $2, 1, $3, 0, $4 from unnest($1::text[]) as new (player)
order by new.player collate "C"
on conflict do nothing;

-- events_lock: SELECT player
-- Lock players in ascending order and return what is stored of them; the clock is read after each wait.
-- The planner does not see how many: see players_read.
with locked as materialized (
    select * from player where player = any((select $1::text[])::text[]) order by player for no key update
)
select clock_timestamp() as now, locked.player, locked.since, locked.changed_at, locked.version,
       locked.format, locked.answered, locked.given, locked.stats, locked.goals
from (select) as one
left join locked on true;

-- events_write_stats: UPDATE player
-- Replace the stats of locked players.
update player
set version = player.version + 1, changed_at = new.changed_at, stats = new.stats
from unnest($1::text[], $2::timestamptz[], $3::bytea[]) as new (player, changed_at, stats)
where player.player = new.player;

-- events_write_goals: UPDATE player
-- Replace the stats and goals of locked players.
update player
set version = player.version + 1, changed_at = new.changed_at, stats = new.stats, goals = new.goals
from unnest($1::text[], $2::timestamptz[], $3::bytea[], $4::bytea[])
     as new (player, changed_at, stats, goals)
where player.player = new.player;

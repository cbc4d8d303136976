-- players_read: SELECT player
-- What is stored of these players, and the database's clock: at least one row, the clock in each.
-- The planner does not see how many are asked for. It would plan each call for so many, which takes longer than the call.
select clock.now, player.player, player.since, player.changed_at, player.version,
       player.format, player.answered, player.given, player.stats, player.goals
from (select clock_timestamp() as now) as clock
left join player on player.player = any((select $1::text[])::text[]);

-- players_begin: INSERT player
-- Make rows for those who have none, in ascending order, and return what is stored of all; the moment is in each row.
-- Whoever gets a row from somebody else meanwhile is not returned: this statement does not see what it yields to.
-- $2 is added to the clock; $4 is how many entries $5 has, 0 or 1, and then its instant is appended: eight bytes.
-- The planner does not see how many are asked for, as above.
with clock as materialized (
    select date_trunc('milliseconds', clock_timestamp()) + $2::interval as now
), known as materialized (
    select player, since, changed_at, version, format, answered, given, stats, goals
    from player where player = any((select $1::text[])::text[])
), begun as (
    insert into player (player, since, changed_at, version, format, answered, given)
    select new.player, clock.now, clock.now, 1, $3, $4::smallint,
           $5 || case $4::smallint when 0 then '' else int8send((extract(epoch from clock.now) * 1000)::bigint) end
    from unnest($1::text[]) as new (player), clock
    where not exists (select from known where known.player = new.player)
    order by new.player collate "C"
    on conflict do nothing
    returning player, since, changed_at, version, format, answered, given, stats, goals
)
select clock.now, stored.*
from clock
left join (
    select false as is_new, known.* from known
    union all
    select true, begun.* from begun
) as stored on true;

-- players_insert: INSERT player
-- Make players known, in ascending order; whoever is known already is left as they are and not returned.
insert into player (player, since, changed_at, version, format, answered, given, stats, goals)
select new.player, new.since, new.since, 1, $1, new.answered, new.given, new.stats, new.goals
from unnest($2::text[], $3::timestamptz[], $4::smallint[], $5::bytea[], $6::bytea[], $7::bytea[])
     as new (player, since, answered, given, stats, goals)
order by new.player collate "C"
on conflict do nothing
returning player;

-- players_update_given: UPDATE player
-- Replace what was given to those whose version is still the one that was read; rows are locked in ascending order.
-- Versions begin anew with a row that was deleted and made again, so its beginning is part of the guard.
with locked as materialized (
    select player from player where player = any($1) order by player for no key update
)
update player
set version = player.version + 1, changed_at = new.changed_at, answered = new.answered, given = new.given
from locked
join unnest($1::text[], $2::integer[], $3::timestamptz[], $4::timestamptz[], $5::smallint[], $6::bytea[])
     as new (player, version, since, changed_at, answered, given) on new.player = locked.player
where player.player = locked.player and player.version = new.version and player.since = new.since
returning player.player;

-- players_update_goals: UPDATE player
-- Replace a player's goals if the version is still the one that was read, of a row that began then.
update player set version = version + 1, changed_at = $4, goals = $5
where player = $1 and version = $2 and since = $3
returning player;

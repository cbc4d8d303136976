-- migrate:up
set local lock_timeout = '5s';

-- Events that were taken in, so that each counts once. A day is the event's own (UTC), and a table of
-- its own: what is beyond the horizon goes with its table. The service makes and drops these tables.
create table event_seen (
    day    date  not null,
    digest bytea not null check (length(digest) = 16),
    primary key (day, digest)
) partition by list (day);
comment on column event_seen.digest is 'BLAKE2b of the event''s source and id';

-- Make the tables of these days. It runs as its owner, so that the service's role owns no table; one
-- caller at a time; and whoever writes events meanwhile waits for nothing.
create function event_seen_make(first date, last date) returns integer
language plpgsql security definer set lock_timeout = '2s' as $$
declare
    each_day date;
    name     text;
    made     integer := 0;
begin
    if last - first not between 0 and 31 then
        raise exception 'from % to % is not between 1 and 32 days', first, last;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('headrace event_seen', 0));
    for each_day in select first + n from generate_series(0, last - first) as n loop
        name := 'event_seen_' || to_char(each_day, 'YYYYMMDD');
        if to_regclass(name) is null then
            execute format('create table %I (like event_seen including all)', name);
            execute format('alter table event_seen attach partition %I for values in (%L)', name, each_day);
            made := made + 1;
        end if;
    end loop;
    return made;
end
$$;

-- Drop the tables of all days before this one, but of none that may be asked for by the clock of the
-- database: nine days are kept, whatever the caller believes to be today.
create function event_seen_drop(before date) returns integer
language plpgsql security definer set lock_timeout = '500ms' as $$
declare
    oldest  date := least(before, (clock_timestamp() at time zone 'UTC')::date - 9);
    name    text;
    dropped integer := 0;
begin
    perform pg_advisory_xact_lock(hashtextextended('headrace event_seen', 0));
    for name in
        select c.relname from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
        where i.inhparent = 'event_seen'::regclass
          and c.relname < 'event_seen_' || to_char(oldest, 'YYYYMMDD')
        order by c.relname
    loop
        execute format('drop table %I', name);
        dropped := dropped + 1;
    end loop;
    return dropped;
end
$$;

-- No temporary table of a caller's stands in for ours.
do $$
begin
    execute format('alter function event_seen_make(date, date) set search_path = %I, pg_temp', current_schema());
    execute format('alter function event_seen_drop(date) set search_path = %I, pg_temp', current_schema());
end
$$;

-- migrate:down
drop function event_seen_drop(date);
drop function event_seen_make(date, date);
drop table event_seen;

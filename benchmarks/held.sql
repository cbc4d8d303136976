-- Capacity held in the database: each player read or inserted by the ordinary role takes the next free
-- moment of one sequence and sleeps until it, alone. Row security calls this; nothing else does.

create schema held;
grant usage on schema held to headrace_bench;

-- The moment (µs since 1970) that was taken last, and how many were taken. Sequences, because what was
-- taken stays taken when the statement fails.
create sequence held.moment minvalue 0;
create sequence held.taken;
grant usage, select, update on all sequences in schema held to headrace_bench;

-- The price makes the planner look at nothing but the players that were asked for.
create function held.take(step_us bigint, lag_us_max bigint) returns boolean
language plpgsql volatile cost 1000000 as $$
declare
    moment_us bigint;
begin
    begin
        perform pg_advisory_xact_lock(7240);
        -- A moment that passed unused is lost, but for a short lag: a sleep ends up to 1 ms late, and
        -- what comes after it may be late by as much without the rate suffering.
        moment_us := greatest(
            (select last_value from held.moment) + step_us,
            (extract(epoch from clock_timestamp()) * 1000000)::bigint - lag_us_max
        );
        perform setval('held.moment', moment_us);
        perform nextval('held.taken');
        perform pg_sleep((moment_us - extract(epoch from clock_timestamp()) * 1000000) / 1000000.0);
        -- Rolling back gives the lock on at once, not when the transaction ends; a cancelled statement
        -- gives it on in the same way.
        raise exception sqlstate 'HELD0';
    exception
        when sqlstate 'HELD0' then null;
    end;
    return true;
end
$$;

alter table player enable row level security;
create policy held_insert on player for insert with check (true);
create policy held_update on player for update using (true);
create policy held_delete on player for delete using (true);

-- migrate:up
set local lock_timeout = '5s';

-- Until when each process has promised moments to clients that it refused. A process that starts goes on
-- behind all of them: moments that others promised are promised.
create table gate_booking (
    process      uuid        primary key,
    booked_until timestamptz not null
);

-- migrate:down
drop table gate_booking;

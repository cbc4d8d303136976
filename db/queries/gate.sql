-- gate_book: INSERT gate_booking
-- Note until when this process has promised moments, and forget processes that are long gone.
with gone as (
    delete from gate_booking where booked_until < clock_timestamp() - interval '1 day' and process <> $1
)
insert into gate_booking (process, booked_until) values ($1, $2)
on conflict (process) do update set booked_until = excluded.booked_until;

-- gate_booked: SELECT gate_booking
-- The latest moment that any process has promised, if that is still ahead.
select max(booked_until) as until from gate_booking where booked_until > clock_timestamp();
